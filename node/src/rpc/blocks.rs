//! Blocks, ommers and receipts of whole blocks.

use super::params::Params;
use super::resolve::Resolved;
use super::{Answer, Rpc, RpcError, view};
use crate::Block;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use serde_json::{Value, json};

impl Rpc {
    pub(super) fn blocks(&self, method: &str, params: &Params) -> Option<Answer> {
        Some(match method {
            "eth_getBlockByNumber" => self.named(params, false, 2).and_then(|b| full_block(b, params)),
            "eth_getBlockByHash" => self.named(params, true, 2).and_then(|b| full_block(b, params)),
            "eth_getBlockTransactionCountByNumber" => self.counted(params, false, transactions),
            "eth_getBlockTransactionCountByHash" => self.counted(params, true, transactions),
            "eth_getUncleCountByBlockNumber" => self.counted(params, false, ommers),
            "eth_getUncleCountByBlockHash" => self.counted(params, true, ommers),
            "eth_getUncleByBlockNumberAndIndex" => self.ommer(params, false),
            "eth_getUncleByBlockHashAndIndex" => self.ommer(params, true),
            "eth_getBlockReceipts" => self.block_receipts(params),
            _ => return None,
        })
    }

    /// The block that the first argument names, by hash or by number.
    pub(super) fn named(
        &self,
        params: &Params,
        by_hash: bool,
        arguments: usize,
    ) -> Result<Option<Resolved>, RpcError> {
        params.at_most(arguments)?;
        if by_hash {
            let hash: B256 = params.required(0)?;
            Ok(self.stored_block(hash)?.map(Resolved::Stored))
        } else {
            let tag: BlockNumberOrTag = params.required(0)?;
            self.resolve(tag.into())
        }
    }

    fn counted(&self, params: &Params, by_hash: bool, count: fn(&Block) -> usize) -> Answer {
        let block = self.named(params, by_hash, 1)?;
        Ok(block.map_or(Value::Null, |block| json!(U64::from(count(contents(&block))))))
    }

    fn ommer(&self, params: &Params, by_hash: bool) -> Answer {
        let block = self.named(params, by_hash, 2)?;
        let index = usize::try_from(params.required::<U64>(1)?.to::<u64>()).unwrap_or(usize::MAX);
        match block.as_ref().and_then(|block| contents(block).body.ommers.get(index)) {
            Some(header) => view::ommer(header),
            None => Ok(Value::Null),
        }
    }

    fn block_receipts(&self, params: &Params) -> Answer {
        params.at_most(1)?;
        match self.resolve(params.required::<BlockId>(0)?)? {
            Some(Resolved::Stored(block)) => Ok(Value::Array(view::receipts(&block)?)),
            Some(Resolved::Pending(_)) | None => Ok(Value::Null),
        }
    }
}

pub(super) fn contents(block: &Resolved) -> &Block {
    match block {
        Resolved::Stored(block) => &block.block,
        Resolved::Pending(candidate) => &candidate.block,
    }
}

fn transactions(block: &Block) -> usize {
    block.body.transactions.len()
}

fn ommers(block: &Block) -> usize {
    block.body.ommers.len()
}

fn full_block(block: Option<Resolved>, params: &Params) -> Answer {
    // go-ethereum insists on the flag; most others default to hashes, which harms nobody.
    let full = params.optional(1)?.unwrap_or(false);
    match block {
        Some(Resolved::Stored(block)) => view::block(&block, full),
        Some(Resolved::Pending(candidate)) => view::pending_block(&candidate, full),
        None => Ok(Value::Null),
    }
}
