//! Which event concerns whom, in the words of notifications.

use std::sync::Arc;

use alloy_primitives::{Address as ChainAddress, B256};
use medrec_chain::{ContractEvent, Event, Status};
use medrec_contracts::Consents::ConsentsEvents;
use medrec_contracts::Relationships::RelationshipsEvents;
use medrec_contracts::{Relationships, hashes};
use medrec_domain::consent::Grantee;
use medrec_domain::identifier::Address;
use medrec_domain::{Digest, Purpose};
use medrec_protocol::bridge::{commitment_prefix, from_chain, from_word, to_chain};
use medrec_protocol::methods::notifications::NotificationEvent;

use crate::answer::Refused;
use crate::state::State;
use crate::store::DocumentRow;

/// A recipient and what it is told.
pub(crate) type Told = (Address, NotificationEvent);

/// Whom an event concerns; nobody here, if it is about other providers.
pub(super) async fn translate(state: &Arc<State>, event: &Event) -> Result<Vec<Told>, Refused> {
    match &event.what {
        ContractEvent::Relationships(event) => Ok(relationships(state, event)),
        ContractEvent::Consents(event) => consents(state, event).await,
        ContractEvent::Registrar(_) | ContractEvent::Bounties(_) | ContractEvent::Releases(_) => {
            Ok(Vec::new())
        }
    }
}

fn relationships(state: &State, event: &RelationshipsEvents) -> Vec<Told> {
    let provider = to_chain(state.provider);
    match event {
        RelationshipsEvents::StatusChanged(event) if event.provider == provider => {
            let status = Status::from_number(event.status).map_or("unknown", word).to_owned();
            let patient = from_chain(event.patient);
            let event = NotificationEvent::RelationshipChanged { patient, status };
            vec![(patient, event.clone()), (state.provider, event)]
        }
        RelationshipsEvents::Updated(event) if event.provider == provider => {
            let (patient, owner) = (from_chain(event.patient), from_chain(event.owner));
            let update = Relationships::Update {
                provider,
                patient: event.patient,
                recordsRoot: event.recordsRoot,
                queryHash: event.queryHash,
                costNanoRho: event.costNanoRho,
            };
            updated(&update, &[patient, owner])
        }
        RelationshipsEvents::BatchUpdated(event) if event.provider == provider => {
            let update = Relationships::Update {
                provider,
                patient: ChainAddress::ZERO,
                recordsRoot: event.recordsRoot,
                queryHash: event.queryHash,
                costNanoRho: event.costNanoRho,
            };
            updated(&update, &[from_chain(event.owner)])
        }
        _ => Vec::new(),
    }
}

fn updated(update: &Relationships::Update, recipients: &[Address]) -> Vec<Told> {
    let bounty = from_word(hashes::bounty_id(update));
    let event = NotificationEvent::RecordUpdated { patient: from_chain(update.patient), bounty };
    recipients.iter().map(|recipient| (*recipient, event.clone())).collect()
}

fn word(status: Status) -> &'static str {
    match status {
        Status::None => "none",
        Status::New => "new",
        Status::Pending => "pending",
        Status::Accepted => "accepted",
        Status::Updated => "updated",
        Status::Rejected => "rejected",
        Status::Deleted => "deleted",
    }
}

async fn consents(state: &Arc<State>, event: &ConsentsEvents) -> Result<Vec<Told>, Refused> {
    let granted = |patient, commitment| NotificationEvent::Granted { patient, commitment };
    let revoked = |patient, commitment| NotificationEvent::Revoked { patient, commitment };
    match event {
        ConsentsEvents::Granted(event) => about_terms(state, event.patient, event.terms, granted).await,
        ConsentsEvents::Revoked(event) => about_terms(state, event.patient, event.terms, revoked).await,
        ConsentsEvents::ResearchReleased(event) => {
            let Some((patient, _)) = linked(state, event.patient).await? else { return Ok(Vec::new()) };
            let told = granted(patient, from_word(event.scopeCommitment));
            Ok(vec![(patient, told.clone()), (state.provider, told)])
        }
        ConsentsEvents::ResearchWithdrawn(event) => {
            let Some((patient, rows)) = linked(state, event.patient).await? else { return Ok(Vec::new()) };
            // The event does not say which document; it is the newest one for research.
            let is_research = |row: &&DocumentRow| row.document.scope.purpose == Purpose::ResearchAggregate;
            let newest = rows.iter().rev().find(is_research);
            let told = revoked(patient, newest.map_or(Digest([0; 32]), |row| row.commitment));
            Ok(vec![(patient, told.clone()), (state.provider, told)])
        }
        _ => Ok(Vec::new()),
    }
}

async fn about_terms(
    state: &Arc<State>,
    key: ChainAddress,
    terms: B256,
    event: impl Fn(Address, Digest) -> NotificationEvent,
) -> Result<Vec<Told>, Refused> {
    let Some((patient, rows)) = linked(state, key).await? else { return Ok(Vec::new()) };
    let row = rows.iter().find(|row| commitment_prefix(&row.commitment).as_slice() == &terms[..24]);
    // Without the document only the first 24 bytes are known.
    let mut commitment = Digest([0; 32]);
    commitment.0[..24].copy_from_slice(&terms[..24]);
    let event = event(patient, row.map_or(commitment, |row| row.commitment));
    let mut recipients = vec![patient, state.provider];
    if let Some(Grantee::Person { address }) = row.map(|row| &row.document.grantee) {
        recipients.push(*address);
    }
    Ok(recipients.into_iter().map(|recipient| (recipient, event.clone())).collect())
}

/// The linked patient whose key it is, with her documents.
async fn linked(
    state: &Arc<State>,
    key: ChainAddress,
) -> Result<Option<(Address, Vec<DocumentRow>)>, Refused> {
    let facts = state.look().await?;
    let Some(account) = facts.account_of(key).await?.map(from_chain) else { return Ok(None) };
    let found = state.stored(move |store| Ok((store.link_of(account)?, store.documents(account)?))).await?;
    Ok(found.0.map(|_| (account, found.1)))
}
