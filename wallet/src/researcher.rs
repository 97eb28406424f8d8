//! Acts of a researcher on the chain: what blocks earned, and what is said about bounties.
//!
//! The owner of a bounty is the coinbase of the block that carried it: the key that mines is the key that claims.

use alloy_primitives::{Address as ChainAddress, B256};
use medrec_chain::contracts::Progress;
use medrec_chain::{ContractEvent, Event};
use medrec_contracts::hashes::bounty_id;
use medrec_contracts::{Bounties, Relationships};
use medrec_domain::Digest;
use medrec_protocol::bridge::{from_chain, from_word, to_chain, to_word};
use medrec_protocol::methods::provider::Posting;
use serde::Serialize;

use crate::account::{Account, Done};
use crate::error::WalletError;
use crate::network::Place;

/// A posting in the contracts' words.
pub fn update_of(posting: &Posting) -> Relationships::Update {
    Relationships::Update {
        provider: to_chain(posting.provider),
        patient: to_chain(posting.patient),
        recordsRoot: to_word(posting.records_root),
        queryHash: to_word(posting.query_hash),
        costNanoRho: posting.cost_nano_rho,
    }
}

fn terms_of(posting: &Posting) -> Bounties::Update {
    Bounties::Update {
        provider: to_chain(posting.provider),
        patient: to_chain(posting.patient),
        recordsRoot: to_word(posting.records_root),
        queryHash: to_word(posting.query_hash),
        costNanoRho: posting.cost_nano_rho,
    }
}

/// The id of a posting's bounty.
pub fn bounty_of(posting: &Posting) -> Digest {
    from_word(bounty_id(&update_of(posting)))
}

/// The posting that an event tells of, with its owner; `None` for other events.
pub fn posting_of(event: &Event) -> Option<(Posting, ChainAddress)> {
    use Relationships::RelationshipsEvents as Told;
    let ContractEvent::Relationships(told) = &event.what else { return None };
    match told {
        Told::Updated(update) => {
            let posting = Posting {
                provider: from_chain(update.provider),
                patient: from_chain(update.patient),
                records_root: from_word(update.recordsRoot),
                query_hash: from_word(update.queryHash),
                cost_nano_rho: update.costNanoRho,
            };
            Some((posting, update.owner))
        }
        Told::BatchUpdated(update) => {
            let posting = Posting {
                provider: from_chain(update.provider),
                patient: from_chain(ChainAddress::ZERO),
                records_root: from_word(update.recordsRoot),
                query_hash: from_word(update.queryHash),
                cost_nano_rho: update.costNanoRho,
            };
            Some((posting, update.owner))
        }
        _ => None,
    }
}

/// Where a bounty stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BountyState {
    /// Its id.
    pub bounty: Digest,
    /// Its terms.
    pub posting: Posting,
    /// The block that carries it.
    pub block: u64,
    /// Blocks on top of that.
    pub confirmations: u64,
    /// How far its claim is on chain: unclaimed, claimed, answered, received, undelivered, contested.
    pub progress: String,
    /// The bundle that the provider named.
    pub bundle: Option<Digest>,
}

/// Where a bounty stands; `None` if no such one was posted.
///
/// # Errors
/// [`WalletError::Chain`].
pub async fn bounty_state(place: &Place, posting: &Posting) -> Result<Option<BountyState>, WalletError> {
    let view = place.view().await?;
    let reader = place.contracts.at(&view);
    let bounty = bounty_of(posting);
    let Some(ownership) = reader.ownership(to_word(bounty)).await? else { return Ok(None) };
    let (progress, bundle) = reader.claim_of(to_word(bounty)).await?;
    Ok(Some(BountyState {
        bounty,
        posting: *posting,
        block: ownership.block_number,
        confirmations: ownership.confirmations,
        progress: word_of(progress).to_owned(),
        bundle: bundle.map(from_word),
    }))
}

/// A claim's progress in one word.
pub const fn word_of(progress: Progress) -> &'static str {
    match progress {
        Progress::Unclaimed => "unclaimed",
        Progress::Claimed => "claimed",
        Progress::Answered => "answered",
        Progress::Received => "received",
        Progress::Undelivered => "undelivered",
        Progress::Contested => "contested",
    }
}

/// What an owner says about a bounty on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement {
    /// Asks for the bundle; the time-out of seven days runs from here.
    Claim,
    /// The bundle with this manifest has come.
    Receipt(B256),
    /// Nothing has come in time.
    NonDelivery,
}

/// Says it, once: the same statement again is the same transaction.
///
/// # Errors
/// As [`Account::send`].
pub async fn state(account: &Account, posting: &Posting, statement: Statement) -> Result<Done, WalletError> {
    let terms = terms_of(posting);
    let bounty = bounty_of(posting);
    match statement {
        Statement::Claim => {
            account.call(&Bounties::claimCall { posting: terms }, Some(format!("claim {bounty}"))).await
        }
        Statement::Receipt(hash) => {
            let call = Bounties::confirmCall { posting: terms, bundleHash: hash };
            account.call(&call, Some(format!("receipt {bounty}"))).await
        }
        Statement::NonDelivery => {
            let call = Bounties::declareNonDeliveryCall { posting: terms };
            account.call(&call, None).await
        }
    }
}
