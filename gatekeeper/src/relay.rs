//! Acts that patients, guardians and owners of bounties signed, carried to the chain at the provider's cost.
//!
//! They hold no ether; the provider's outbox sends their calls. Carried is what is on the list of [`carried`], signed by
//! whoever asks, where the provider has to do with it: invited accounts, linked patients, whoever acts for one, and owners of its
//! own bounties. What not: whether the act is right; the contract decides, and its refusal shows before
//! anything is sent.

mod carried;

use std::sync::Arc;

use alloy_primitives::hex;
use medrec_chain::{Act, ChainError, Request, State as Sent};
use medrec_domain::Digest;
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::Address;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::acts::{RelayAnswer, RelayBody, StateAnswer, StateBody};

use self::carried::Carried;
use crate::answer::{Answer, Outcome, Refused};
use crate::state::{Caller, State};
use crate::store::Shelf;

/// `acts/relay`.
pub(crate) async fn relay(state: Arc<State>, caller: Caller, body: RelayBody) -> Outcome {
    let data = hex::decode(&body.calldata).map_err(|_| RefusalCode::BadRequest)?;
    let carried = Carried::read(&state.contracts, &body.contract, &data).ok_or(RefusalCode::NotAllowed)?;
    if from_chain(carried.author) != caller.signer || !is_known(&state, &caller, &carried).await? {
        return Err(RefusalCode::NotAllowed.into());
    }
    let key = keccak256_of(&[body.contract.as_bytes(), &data]);
    let signer = caller.signer;
    // Who may ask for it is on the disk before it is accepted, so that no accepted act is without its owner.
    state.stored(move |store| store.put(Shelf::Relayed, &key.0, &signer)).await?;
    submit(&state, name(key), carried.act).await?;
    Answer::json(&RelayAnswer { key })
}

/// `acts/state`.
pub(crate) async fn state_of(state: Arc<State>, caller: Caller, body: StateBody) -> Outcome {
    let key = body.key;
    let owner: Option<Address> = state.stored(move |store| store.get(Shelf::Relayed, &key.0)).await?;
    let is_owner = owner == Some(caller.signer) || caller.account == Some(state.provider);
    let entry = state.outboxes.find(&name(key)).filter(|_| is_owner).ok_or(RefusalCode::Unknown)?;
    let reason = |sent: &Sent| {
        sent.refusal().map_or_else(|| "the contract gave no reason".to_owned(), |refusal| refusal.to_string())
    };
    Answer::json(&match &entry.state {
        Sent::Included { inclusion, .. } if inclusion.succeeded => {
            StateAnswer::Included { block: inclusion.block.number }
        }
        Sent::Confirmed(inclusion) => StateAnswer::Confirmed { block: inclusion.block.number },
        reverted @ Sent::Reverted { .. } => StateAnswer::Reverted { reason: reason(reverted) },
        Sent::Cancelled(_) | Sent::NonceTaken => StateAnswer::Dropped {
            reason: "another transaction took its place; sign the act again".to_owned(),
        },
        _ => StateAnswer::Waiting,
    })
}

/// The outbox's name for a carried act.
pub(crate) fn name(key: Digest) -> String {
    format!("act {key}")
}

/// Hands an act to the outbox, once under its name. A refusal of the contract is the asker's business, everything else the provider's.
pub(crate) async fn submit(state: &State, name: String, act: Act) -> Result<(), Refused> {
    (state.step)("handing over");
    if state.outboxes.find(&name).is_some() {
        return Ok(());
    }
    let outcome = state.outboxes.present.send(Request::from(act).with_key(name)).await;
    (state.step)("handed over");
    match outcome {
        // Somebody who asked for the same at the same time was faster.
        Ok(_) | Err(ChainError::KeyReused { .. }) => Ok(()),
        Err(error @ ChainError::Refused { .. }) => {
            Err(Refused { code: RefusalCode::Conflict, why: Some(error.to_string()) })
        }
        Err(error @ ChainError::NotPossible { .. }) => {
            Err(Refused { code: RefusalCode::Busy, why: Some(error.to_string()) })
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the provider has to do with an act: its author was invited or is a linked patient; or it is about a linked patient,
/// as those of her guardians are; or about a bounty that the provider posted. Everything else is for others to carry.
async fn is_known(state: &State, caller: &Caller, carried: &Carried) -> Result<bool, Refused> {
    let actor = caller.actor();
    let patient = match carried.patient {
        Some(patient) => {
            Some(caller.facts.account_of(patient).await?.map_or(from_chain(patient), from_chain))
        }
        None => None,
    };
    let (is_linked, is_invited) = state
        .stored(move |store| {
            let mut is_linked = store.link_of(actor)?.is_some();
            if let Some(patient) = patient {
                is_linked |= store.link_of(patient)?.is_some();
            }
            Ok((is_linked, store.get::<u64>(Shelf::Invitations, &actor.0)?.is_some()))
        })
        .await?;
    if carried.is_onboarding {
        return Ok(is_invited);
    }
    Ok(is_linked || is_invited || carried.poster.map(from_chain) == Some(state.provider))
}
