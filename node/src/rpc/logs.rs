//! `eth_getLogs`: blooms find the blocks, receipts the logs.

use super::params::Params;
use super::{Answer, Rpc, RpcError, view};
use crate::store::{ChainBlock, HeadChange};
use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};

impl Rpc {
    pub(super) fn get_logs(&self, params: &Params) -> Answer {
        params.at_most(1)?;
        let filter: Filter = params.required(0)?;
        view::to_json(&self.matching_logs(&filter)?)
    }

    /// The canonical logs that a filter's range and conditions admit.
    pub(super) fn matching_logs(&self, filter: &Filter) -> Result<Vec<Log>, RpcError> {
        let reader = self.backend.chain().reader()?;
        let mut found = Vec::new();
        let range = match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => {
                let block = self.stored_block(hash)?.ok_or_else(|| RpcError::refused("unknown block"))?;
                return Ok(logs_of(&block, filter, false));
            }
            FilterBlockOption::Range { from_block, to_block } => {
                let head = self.backend.chain().head().number();
                let from = number_of(from_block.unwrap_or_default(), head)?;
                let to = number_of(to_block.unwrap_or_default(), head)?;
                if from > to {
                    return Err(RpcError::invalid_params("invalid block range params"));
                }
                from..=to.min(head)
            }
        };
        for number in reader.bloom_matches(range, |bloom| filter.matches_bloom(*bloom))? {
            let Some(block) = reader.canonical_block(number)? else { continue };
            found.extend(logs_of(&block, filter, false));
            if found.len() > self.limits.logs {
                return Err(RpcError::limit(format!(
                    "query returned more than {} results",
                    self.limits.logs
                )));
            }
        }
        Ok(found)
    }
}

fn number_of(tag: BlockNumberOrTag, head: u64) -> Result<u64, RpcError> {
    match tag {
        BlockNumberOrTag::Number(number) => Ok(number),
        BlockNumberOrTag::Earliest => Ok(0),
        // Pending logs are not kept; what is mined so far is the answer.
        BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => Ok(head),
        BlockNumberOrTag::Finalized => Err(RpcError::refused("finalized block not found")),
        BlockNumberOrTag::Safe => Err(RpcError::refused("safe block not found")),
    }
}

/// The logs of one block that a filter's addresses and topics admit.
pub(super) fn logs_of(block: &ChainBlock, filter: &Filter, removed: bool) -> Vec<Log> {
    if !filter.matches_bloom(block.block.header.logs_bloom) {
        return Vec::new();
    }
    view::block_logs(block, removed, |log| filter.matches(log))
}

/// The logs that a change of the head takes away (newest block first) and brings.
pub(super) fn logs_of_change(change: &HeadChange, filter: &Filter) -> Vec<Log> {
    let reverted = change.reverted.iter().flat_map(|block| logs_of(block, filter, true));
    let enacted = change.enacted.iter().flat_map(|block| logs_of(block, filter, false));
    reverted.chain(enacted).collect()
}
