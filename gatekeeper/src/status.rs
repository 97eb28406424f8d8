//! What a gatekeeper says to everybody.

use medrec_domain::identifier::{BlockNumber, BlockReference, ChainId};
use medrec_protocol::bridge::{from_chain, from_word};
use medrec_protocol::methods::status::StatusAnswer;

use crate::answer::Refused;
use crate::facts::Facts;
use crate::state::{State, blocking, now_s};
use std::sync::Arc;

/// The status. It is answered without the chain, too, and says so.
pub(crate) async fn answer(state: &State) -> Result<StatusAnswer, Refused> {
    let head = state.look().await.ok().map(|facts| block_of(&facts, state.contracts.chain_id));
    let rewards = Arc::clone(&state.rewards);
    let epoch = blocking(move || rewards.newest_epoch()).await?;
    let catalogue = medrec_domain::canonical::digest(state.rewards.catalogue())?;
    Ok(StatusAnswer {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        provider: state.provider,
        chain_id: state.contracts.chain_id,
        registrar: from_chain(state.contracts.registrar),
        head,
        time_s: now_s(),
        catalogue,
        epoch,
    })
}

/// The block at which a request was decided.
pub(crate) fn block_of(facts: &Facts, chain_id: u64) -> BlockReference {
    let block = facts.view().head().block;
    BlockReference {
        chain_id: ChainId(chain_id),
        number: BlockNumber(block.number),
        hash: from_word(block.hash),
    }
}
