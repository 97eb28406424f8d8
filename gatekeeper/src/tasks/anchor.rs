//! The audit log's head on chain, now and then.
//!
//! What the chain has anchored must be part of the log: a log that was cut or written anew ends the service, since nothing in
//! it can be believed. The outbox keeps an accepted anchor over restarts.

use std::sync::Arc;
use std::time::Duration;

use medrec_chain::{ChainError, Remedy, Request};
use medrec_contracts::Releases;
use medrec_domain::Digest;
use medrec_protocol::bridge::{from_word, to_chain, to_word};

use crate::state::State;

/// Anchors until the service stops.
pub(super) async fn run(state: Arc<State>, interval: Duration) -> Result<(), String> {
    loop {
        match anchor(&state).await {
            Ok(()) => {}
            Err(Failure::Damaged(why)) => return Err(why),
            Err(Failure::Later(why)) => (state.log)(&format!("the audit log is not anchored: {why}")),
        }
        tokio::time::sleep(interval).await;
    }
}

enum Failure {
    /// The log is not the one that was anchored.
    Damaged(String),
    /// It did not work now.
    Later(String),
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        match error.remedy() {
            Remedy::Retry | Remedy::FixInput => Self::Later(error.to_string()),
            Remedy::GiveUp => Self::Damaged(error.to_string()),
        }
    }
}

async fn anchor(state: &Arc<State>) -> Result<(), Failure> {
    let view = state.client.view().await?;
    let (anchored, entries) = state.contracts.at(&view).audit_head_of(to_chain(state.provider)).await?;
    let known = state.stored(move |store| store.audit_head_at(entries)).await;
    let known = known.map_err(|refused| Failure::Later(format!("{refused:?}")))?;
    if entries > 0 && known != Some(from_word(anchored)) {
        return Err(Failure::Damaged(format!(
            "the chain holds the head of {entries} entries, and the log has others\n\nhint: restore the newest backup of the gatekeeper's folder"
        )));
    }
    let head = state.audit.head();
    if head.length <= entries {
        return Ok(());
    }
    let call = Releases::anchorAuditHeadCall { head: to_word(head.head), entries: head.length };
    let act = state.contracts.act(&call);
    state.outboxes.present.send(Request::from(act).with_key(key(head.length, &head.head))).await?;
    Ok(())
}

fn key(length: u64, head: &Digest) -> String {
    format!("audit head {length} {head}")
}
