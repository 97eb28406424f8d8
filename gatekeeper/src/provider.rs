//! What only the provider's own key may do: invite, link, propose, post.
//!
//! Invitations and links can be asked again. A posting and a proposal cannot: the first makes fresh keys and so another posting, the
//! second is named by the block at which it was asked. Whoever got no answer looks at the chain before asking again.
//!
//! # Privacy
//! A posting holds commitments under keys of their own, made fresh for each. Unlinking a patient destroys her keys: what
//! stands on chain then says nothing, not even to who knows the records.

mod pointers;

use std::sync::Arc;

use medrec_chain::{Act, Request, Status};
use medrec_contracts::Relationships;
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::Address;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{to_chain, to_word};
use medrec_protocol::methods::acts::RelayAnswer;
use medrec_protocol::methods::provider::{InviteBody, LinkBody, PostBody, Posting, ProposeBody, UnlinkBody};

use crate::answer::{Answer, Outcome, Refused};
use crate::relay::{name, submit};
use crate::rewards::Rewards;
use crate::state::{Caller, State, blocking, now_s};
use crate::store::{Link, Shelf};

/// Most patients of one posting: each costs a look at her whole record.
const MOST_PATIENTS: usize = 1_000;

/// Refuses everybody but the provider's present key.
fn only_the_provider(state: &State, caller: &Caller) -> Result<(), Refused> {
    if caller.account == Some(state.provider) { Ok(()) } else { Err(RefusalCode::NotAllowed.into()) }
}

/// `patients/invite`.
pub(crate) async fn invite(state: Arc<State>, caller: Caller, body: InviteBody) -> Outcome {
    only_the_provider(&state, &caller)?;
    state.stored(move |store| store.put(Shelf::Invitations, &body.account.0, &now_s())).await?;
    Answer::json(&())
}

/// `patients/link`.
pub(crate) async fn link(state: Arc<State>, caller: Caller, body: LinkBody) -> Outcome {
    only_the_provider(&state, &caller)?;
    let (records, source_id) = (Arc::clone(&state.records), body.source_id.clone());
    let is_there = blocking(move || records.has_patient(&source_id)).await;
    if !is_there.map_err(|error| Refused::internal(error.to_string()))? {
        return Err(RefusalCode::Unknown.into());
    }
    let link = Link { source_id: body.source_id, time_s: now_s() };
    if state.stored(move |store| store.link(body.account, &link)).await? {
        Answer::json(&())
    } else {
        Err(RefusalCode::Conflict.into())
    }
}

/// `patients/unlink`.
pub(crate) async fn unlink(state: Arc<State>, caller: Caller, body: UnlinkBody) -> Outcome {
    only_the_provider(&state, &caller)?;
    let was_linked = state
        .stored(move |store| {
            pointers::destroy(store, body.account)?;
            store.unlink(body.account)
        })
        .await?;
    if was_linked { Answer::json(&()) } else { Err(RefusalCode::Unknown.into()) }
}

/// `relationships/propose`.
pub(crate) async fn propose(state: Arc<State>, caller: Caller, body: ProposeBody) -> Outcome {
    only_the_provider(&state, &caller)?;
    let (patient, provider) = (to_chain(body.account), to_chain(state.provider));
    let status = state.contracts.at(caller.facts.view()).status_of(patient, provider).await?;
    let act: Act = match status {
        Status::Pending => state.contracts.act(&Relationships::acceptRequestCall { patient }),
        Status::None | Status::Rejected | Status::Deleted => {
            state.contracts.act(&Relationships::proposeCall { patient })
        }
        Status::New | Status::Accepted | Status::Updated => return Err(RefusalCode::Conflict.into()),
    };
    // The same wish in another state of the relationship is another act; in the same one it is asked for again.
    let head = caller.facts.view().head().block.number.to_be_bytes();
    let key = keccak256_of(&[act.data.as_ref(), &head]);
    let asker = caller.signer;
    state.stored(move |store| store.put(Shelf::Relayed, &key.0, &asker)).await?;
    submit(&state, Request::from(act).with_key(name(key))).await?;
    Answer::json(&RelayAnswer { key })
}

/// `updates/post`.
pub(crate) async fn post_update(state: Arc<State>, caller: Caller, body: PostBody) -> Outcome {
    only_the_provider(&state, &caller)?;
    let query = state.rewards.catalogue().queries.get(&body.query).ok_or(RefusalCode::NotInCatalogue)?;
    let cost_nano_rho = Rewards::price_nano_rho(query).ok_or(RefusalCode::NotInCatalogue)?;
    let query_hash = query.digest()?;
    let mut patients = body.patients;
    patients.sort_unstable();
    patients.dedup();
    if patients.is_empty() || patients.len() > MOST_PATIENTS {
        return Err(RefusalCode::BadRequest.into());
    }
    for &patient in &patients {
        if !caller.facts.stands(to_chain(patient), to_chain(state.provider)).await? {
            return Err(RefusalCode::Unknown.into());
        }
    }
    let shared = Arc::clone(&state);
    let about = patients.clone();
    let made = blocking(move || pointers::make(&shared, &about)).await?;
    let records_root = made.root;
    // The keys are on the disk before anything that they open is on chain.
    state.stored(move |store| made.keep(store)).await?;
    let (root, query_word) = (to_word(records_root), to_word(query_hash));
    let (act, patient) = if let [patient] = patients.as_slice() {
        let call = Relationships::updateCall {
            patient: to_chain(*patient),
            recordsRoot: root,
            queryHash: query_word,
            costNanoRho: cost_nano_rho,
        };
        (state.contracts.act(&call), *patient)
    } else {
        let call = Relationships::updateBatchCall {
            recordsRoot: root,
            queryHash: query_word,
            costNanoRho: cost_nano_rho,
        };
        (state.contracts.act(&call), Address([0; 20]))
    };
    submit(&state, Request::from(act).with_key(format!("update {records_root}"))).await?;
    Answer::json(&Posting { provider: state.provider, patient, records_root, query_hash, cost_nano_rho })
}
