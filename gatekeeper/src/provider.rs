//! What only the provider's own key may do: invite, link, propose, post.
//!
//! Everything here can be asked again: invitations and links are the same twice, postings and proposals happen once for each
//! idempotency key ([`wish`]).
//!
//! # Privacy
//! A posting holds commitments under keys of their own, made fresh for each. Unlinking a patient destroys her keys: what
//! stands on chain then says nothing, not even to who knows the records. The ledger forgets her as far as the promise to her allows.

mod pointers;
mod wish;

use std::sync::Arc;

use medrec_chain::{Act, Status};
use medrec_contracts::Relationships;
use medrec_domain::identifier::Address;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{to_chain, to_word};
use medrec_protocol::methods::acts::RelayAnswer;
use medrec_protocol::methods::provider::{
    InviteBody, LinkBody, PostBody, PostUpdate, Posting, Propose, ProposeBody, UnlinkBody,
};

use self::wish::{Standing, Wish};
use crate::answer::{Answer, Outcome, Refused};
use crate::relay::submit;
use crate::rewards::Rewards;
use crate::state::{Caller, State, blocking, now_s};
use crate::store::{Link, Shelf, Store};

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

/// `patients/unlink`. The ledger forgets as soon as no release is under way.
pub(crate) async fn unlink(state: Arc<State>, caller: Caller, body: UnlinkBody) -> Outcome {
    only_the_provider(&state, &caller)?;
    let was_linked = state.stored(move |store| store.unlink(body.account)).await?;
    if !was_linked {
        return Err(RefusalCode::Unknown.into());
    }
    tokio::spawn(async move { forget(&state).await });
    Answer::json(&())
}

/// Has the ledger forget whoever was unlinked since. What a kill or a failure leaves is done at the next start.
pub(crate) async fn forget(state: &Arc<State>) {
    loop {
        let next = match state.stored(Store::to_forget).await {
            Ok(Some(source_id)) => source_id,
            Ok(None) => return,
            Err(refused) => return (state.log)(&format!("forgetting waits: {refused:?}")),
        };
        (state.step)("forgetting");
        if let Err(error) = state.rewards.forget(&next).await {
            return (state.log)(&format!("the ledger cannot forget: {error}"));
        }
        (state.step)("forgotten");
        if let Err(refused) = state.stored(move |store| store.forgotten(&next)).await {
            return (state.log)(&format!("forgetting waits: {refused:?}"));
        }
    }
}

/// `relationships/propose`.
pub(crate) async fn propose(state: Arc<State>, caller: Caller, body: ProposeBody) -> Outcome {
    only_the_provider(&state, &caller)?;
    let wish = Wish::of::<Propose>(&state, &body, &body.idempotency_key)?;
    let answer = RelayAnswer { key: wish.key };
    if let Standing::Done(_) = wish.standing(&state).await? {
        return Answer::json(&answer);
    }
    let (patient, provider) = (to_chain(body.account), to_chain(state.provider));
    let status = state.contracts.at(caller.facts.view()).status_of(patient, provider).await?;
    let act: Act = match status {
        Status::Pending => state.contracts.act(&Relationships::acceptRequestCall { patient }),
        Status::None | Status::Rejected | Status::Deleted => {
            state.contracts.act(&Relationships::proposeCall { patient })
        }
        Status::New | Status::Accepted | Status::Updated => return Err(RefusalCode::Conflict.into()),
    };
    wish.note(&state, None, Vec::new()).await?;
    submit(&state, wish.name(), act).await?;
    Answer::json(&answer)
}

/// `updates/post`.
pub(crate) async fn post_update(state: Arc<State>, caller: Caller, body: PostBody) -> Outcome {
    only_the_provider(&state, &caller)?;
    let wish = Wish::of::<PostUpdate>(&state, &body, &body.idempotency_key)?;
    let noted = match wish.standing(&state).await? {
        Standing::Done(Some(posting)) => return Answer::json(&posting),
        Standing::Noted(posting) => posting,
        Standing::Done(None) | Standing::New => None,
    };
    let patients = patients_of(&state, &caller, &body).await?;
    let posting = match noted {
        Some(posting) => posting,
        None => make(&state, &wish, &body.query, patients).await?,
    };
    submit(&state, wish.name(), act_of(&state, &posting)).await?;
    Answer::json(&posting)
}

/// The patients of a posting, each once; all of them linked, in a relationship that stands now.
async fn patients_of(state: &State, caller: &Caller, body: &PostBody) -> Result<Vec<Address>, Refused> {
    let mut patients = body.patients.clone();
    patients.sort_unstable();
    patients.dedup();
    if patients.is_empty() || patients.len() > MOST_PATIENTS {
        return Err(RefusalCode::BadRequest.into());
    }
    for &patient in &patients {
        let is_linked = state.stored(move |store| store.link_of(patient)).await?.is_some();
        if !is_linked || !caller.facts.stands(to_chain(patient), to_chain(state.provider)).await? {
            return Err(RefusalCode::Unknown.into());
        }
    }
    Ok(patients)
}

/// Makes a posting under fresh keys, and notes it with them: they are on the disk before anything that they open is on chain.
async fn make(
    state: &Arc<State>,
    wish: &Wish,
    query: &str,
    patients: Vec<Address>,
) -> Result<Posting, Refused> {
    let query = state.rewards.catalogue().queries.get(query).ok_or(RefusalCode::NotInCatalogue)?;
    let cost_nano_rho = Rewards::price_nano_rho(query).ok_or(RefusalCode::NotInCatalogue)?;
    let query_hash = query.digest()?;
    (state.step)("making pointers");
    let patient = if let [patient] = patients.as_slice() { *patient } else { Address([0; 20]) };
    let shared = Arc::clone(state);
    let made = blocking(move || pointers::make(&shared, &patients)).await?;
    let posting =
        Posting { provider: state.provider, patient, records_root: made.root, query_hash, cost_nano_rho };
    let noted = wish.note(state, Some(posting), made.rows).await?;
    noted.ok_or_else(|| Refused::internal("an act of another kind is noted for a posting"))
}

/// The call that posts.
fn act_of(state: &State, posting: &Posting) -> Act {
    let (root, query) = (to_word(posting.records_root), to_word(posting.query_hash));
    let cost = posting.cost_nano_rho;
    if posting.patient == Address([0; 20]) {
        let call = Relationships::updateBatchCall { recordsRoot: root, queryHash: query, costNanoRho: cost };
        return state.contracts.act(&call);
    }
    let patient = to_chain(posting.patient);
    let call = Relationships::updateCall { patient, recordsRoot: root, queryHash: query, costNanoRho: cost };
    state.contracts.act(&call)
}
