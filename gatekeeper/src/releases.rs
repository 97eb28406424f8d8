//! Censuses and claims: the doors to [`crate::rewards`].

use std::sync::Arc;

use medrec_domain::workload::cells::Window;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::to_chain;
use medrec_protocol::methods::claims::{BountyBody, ShardBody};
use medrec_protocol::methods::provider::EpochBody;

use crate::answer::{Answer, Concern, Content, Outcome};
use crate::state::{Caller, State};

/// What the log says about a census.
pub(crate) fn epoch_concern(body: &EpochBody) -> Concern {
    Concern::nobody(format!("epoch {}", body.epoch))
}

/// What the log says about a claim of a shard.
pub(crate) fn shard_concern(body: &ShardBody) -> Concern {
    Concern::nobody(format!("shard of block {}", body.number))
}

/// What the log says about a claim of a bounty. The posting is public.
pub(crate) fn bounty_concern(body: &BountyBody) -> Concern {
    Concern::nobody(format!("bounty on query {}", body.posting.query_hash))
}

/// `epochs/run`.
pub(crate) async fn run_epoch(state: Arc<State>, caller: Caller, body: EpochBody) -> Outcome {
    if caller.account != Some(state.provider) {
        return Err(RefusalCode::NotAllowed.into());
    }
    if body.until <= body.from {
        return Err(RefusalCode::BadRequest.into());
    }
    let window = Window { from: body.from, until: body.until };
    let answer = state.rewards.run_epoch(body.epoch, window, state.watch()).await?;
    Answer::json(&answer)
}

/// `claims/shard`. The signer is a miner's key, which need not be anybody's account here.
pub(crate) async fn claim_shard(state: Arc<State>, caller: Caller, body: ShardBody) -> Outcome {
    let bytes = state.rewards.claim_shard(to_chain(caller.signer), &body).await?;
    Ok(Answer::of(Content::Bundle(bytes)))
}

/// `claims/bounty`.
pub(crate) async fn claim_bounty(state: Arc<State>, caller: Caller, body: BountyBody) -> Outcome {
    let bytes = state.rewards.claim_bounty(to_chain(caller.signer), &body.posting, state.watch()).await?;
    Ok(Answer::of(Content::Bundle(bytes)))
}
