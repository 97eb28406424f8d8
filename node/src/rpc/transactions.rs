//! Transactions: taking them, finding them, their receipts, and the pool.

use super::blocks::contents;
use super::params::Params;
use super::resolve::Resolved;
use super::view::Place;
use super::{Answer, Rpc, RpcError, view};
use crate::store::ChainBlock;
use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, U64};
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl Rpc {
    pub(super) fn transactions(&self, method: &str, params: &Params) -> Option<Answer> {
        Some(match method {
            "eth_sendRawTransaction" => self.send_raw(params),
            "eth_getTransactionByHash" => self.transaction(params),
            "eth_getRawTransactionByHash" => self.raw_transaction(params),
            "eth_getTransactionReceipt" => self.receipt(params),
            "eth_getTransactionByBlockNumberAndIndex" => self.transaction_at(params, false),
            "eth_getTransactionByBlockHashAndIndex" => self.transaction_at(params, true),
            "txpool_status" => {
                let (pending, queued) = self.backend.with_pool(crate::pool::Pool::counts);
                Ok(json!({ "pending": U64::from(pending), "queued": U64::from(queued) }))
            }
            "txpool_content" => self.pool_content(),
            _ => return None,
        })
    }

    fn send_raw(&self, params: &Params) -> Answer {
        params.at_most(1)?;
        let raw: Bytes = params.required(0)?;
        Ok(json!(self.backend.submit_transaction(&raw)?))
    }

    /// The canonical block that contains a transaction, and its index there.
    pub(super) fn mined(&self, hash: B256) -> Result<Option<(Arc<ChainBlock>, usize)>, RpcError> {
        let reader = self.backend.chain().reader()?;
        let Some((number, index)) = reader.transaction_place(hash)? else { return Ok(None) };
        let block = reader.canonical_block(number)?;
        Ok(block.zip(usize::try_from(index).ok()))
    }

    fn transaction(&self, params: &Params) -> Answer {
        params.at_most(1)?;
        let hash: B256 = params.required(0)?;
        if let Some((block, index)) = self.mined(hash)? {
            let place = Place::in_block(&block, u64::try_from(index).unwrap_or_default());
            let transaction = &block.block.body.transactions[index];
            return view::transaction(transaction, block.senders[index], place);
        }
        match self.backend.with_pool(|pool| pool.transaction(hash)) {
            Some((transaction, sender)) => view::transaction(&transaction, sender, Place::default()),
            None => Ok(Value::Null),
        }
    }

    fn raw_transaction(&self, params: &Params) -> Answer {
        params.at_most(1)?;
        let hash: B256 = params.required(0)?;
        if let Some((block, index)) = self.mined(hash)? {
            return Ok(json!(Bytes::from(block.block.body.transactions[index].encoded_2718())));
        }
        let waiting = self.backend.with_pool(|pool| pool.transaction(hash));
        Ok(waiting.map_or(Value::Null, |(tx, _)| json!(Bytes::from(tx.encoded_2718()))))
    }

    fn receipt(&self, params: &Params) -> Answer {
        params.at_most(1)?;
        let Some((block, index)) = self.mined(params.required(0)?)? else { return Ok(Value::Null) };
        Ok(view::receipts(&block)?.swap_remove(index))
    }

    fn transaction_at(&self, params: &Params, by_hash: bool) -> Answer {
        let Some(block) = self.named(params, by_hash, 2)? else { return Ok(Value::Null) };
        let number: u64 = params.required::<U64>(1)?.to();
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(transaction) = contents(&block).body.transactions.get(index) else {
            return Ok(Value::Null);
        };
        match &block {
            Resolved::Stored(block) => {
                view::transaction(transaction, block.senders[index], Place::in_block(block, number))
            }
            Resolved::Pending(candidate) => {
                let base_fee_wei = candidate.block.header.base_fee_per_gas;
                let place = Place { base_fee_wei, ..Place::default() };
                view::transaction(transaction, candidate.senders[index], place)
            }
        }
    }

    fn pool_content(&self) -> Answer {
        let (mut pending, mut queued) = (Map::new(), Map::new());
        for (sender, transaction, is_pending) in self.backend.with_pool(crate::pool::Pool::content) {
            let group = if is_pending { &mut pending } else { &mut queued };
            let of_sender = group.entry(sender.to_string()).or_insert_with(|| json!({}));
            of_sender[transaction.nonce().to_string()] =
                view::transaction(&transaction, sender, Place::default())?;
        }
        Ok(json!({ "pending": pending, "queued": queued }))
    }
}
