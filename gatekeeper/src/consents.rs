//! Consent documents in and out.
//!
//! The signature over the request is the one over the document: the signer of both is the same key. What the chain says about it
//! (whether the guardian has the power, whether the grant holds) is looked up, never taken from the document.

use std::sync::Arc;

use medrec_domain::{ConsentDocument, Purpose};
use medrec_protocol::RefusalCode;
use medrec_protocol::methods::consents::{
    EraseAnswer, EraseBody, ListAnswer, ListBody, PutAnswer, PutBody, StoredDocument,
};

use crate::answer::{Answer, Concern, Outcome, Refused};
use crate::policy::{self, POWER_GRANT, POWER_RESEARCH, POWER_REVOKE};
use crate::state::{Caller, State};
use crate::store::{DocumentRow, Kept};

/// What the log says about leaving a document.
pub(crate) fn put_concern(body: &PutBody) -> Concern {
    Concern::of(body.document.patient, "a consent document")
}

/// What the log says about looking at documents.
pub(crate) fn list_concern(body: &ListBody) -> Concern {
    Concern::of(body.patient, "consent documents")
}

/// What the log says about deleting one.
pub(crate) fn erase_concern(body: &EraseBody) -> Concern {
    Concern::of(body.patient, format!("consent document {}", body.commitment))
}

/// `consents/put`.
pub(crate) async fn put(state: Arc<State>, caller: Caller, body: PutBody) -> Outcome {
    let PutBody { document, salt } = body;
    document.check()?;
    let patient = document.patient;
    let is_ours = document.chain_id.0 == state.contracts.chain_id && document.provider == state.provider;
    if !is_ours {
        return Err(RefusalCode::BadRequest.into());
    }
    let power = if is_research(&document) { POWER_RESEARCH } else { POWER_GRANT };
    let is_linked = state.stored(move |store| store.link_of(patient)).await?.is_some();
    if document.signer != caller.signer || !is_linked || !policy::acts_for(&caller, patient, power).await? {
        return Err(RefusalCode::NotAllowed.into());
    }
    let commitment = document.commitment(&salt.0)?;
    let most = state.limits.documents;
    match state.stored(move |store| store.keep(document, salt, commitment, most)).await? {
        Kept::Stored => {
            let answer = Answer::json(&PutAnswer { commitment })?;
            Ok(Answer { about: Some(format!("consent document {commitment}")), ..answer })
        }
        Kept::Full => Err(RefusalCode::Conflict.into()),
    }
}

fn is_research(document: &ConsentDocument) -> bool {
    document.scope.purpose == Purpose::ResearchAggregate
}

/// `consents/list`.
pub(crate) async fn list(state: Arc<State>, caller: Caller, body: ListBody) -> Outcome {
    let patient = body.patient;
    let mut rows = state.stored(move |store| store.documents(patient)).await?;
    let sees_all =
        caller.account == Some(state.provider) || policy::acts_for(&caller, patient, POWER_GRANT).await?;
    if !sees_all {
        rows = given_to(&caller, rows).await?;
        if rows.is_empty() {
            return Err(RefusalCode::NotAllowed.into());
        }
    }
    let in_force = policy::are_in_force(&caller, patient, &rows).await?;
    let mut documents = Vec::with_capacity(rows.len());
    for (row, in_force) in rows.into_iter().zip(in_force) {
        // A release to research is no grant; the chain holds it in another place.
        let is_in_force = if is_research(&row.document) {
            policy::is_released(&state, &caller, patient, &row).await?
        } else {
            in_force
        };
        let DocumentRow { document, salt, commitment, .. } = row;
        documents.push(StoredDocument { document, salt, commitment, is_in_force });
    }
    Answer::json(&ListAnswer { documents })
}

/// Those that are for the caller.
async fn given_to(caller: &Caller, rows: Vec<DocumentRow>) -> Result<Vec<DocumentRow>, Refused> {
    let account = caller.account.ok_or(RefusalCode::NotAllowed)?;
    let mut given = Vec::new();
    for row in rows {
        if policy::is_grantee(caller, account, &row.document.grantee).await? {
            given.push(row);
        }
    }
    Ok(given)
}

/// `consents/erase`.
pub(crate) async fn erase(state: Arc<State>, caller: Caller, body: EraseBody) -> Outcome {
    let EraseBody { patient, commitment } = body;
    let may_erase = policy::acts_for(&caller, patient, POWER_GRANT).await?
        || policy::acts_for(&caller, patient, POWER_REVOKE).await?;
    if !may_erase {
        return Err(RefusalCode::NotAllowed.into());
    }
    let erased = state.stored(move |store| store.erase(patient, &commitment)).await?;
    Answer::json(&EraseAnswer { erased })
}
