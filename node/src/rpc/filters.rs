//! Polled filters.
//!
//! A block or log filter remembers the last block that its owner heard of and asks the chain for the
//! path from there to the head: nothing piles up while nobody asks, and a re-org is told exactly
//! once. Filters that nobody asks about expire; [`super::filter_table`] keeps them.

use super::filter_table::{Entry, Kind};
use super::logs::logs_of_change;
use super::params::Params;
use super::{Answer, Rpc, RpcError, view};
use crate::backend::Announced;
use crate::store::{ChainBlock, HeadChange};
use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::{Filter, FilterBlockOption};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

impl Rpc {
    pub(super) fn filters(&self, method: &str, params: &Params) -> Option<Answer> {
        Some(match method {
            "eth_getLogs" => self.get_logs(params),
            "eth_newFilter" => self.new_log_filter(params),
            "eth_newBlockFilter" => self.new_filter(Kind::Blocks(self.backend.chain().head())),
            "eth_newPendingTransactionFilter" => self.new_filter(Kind::Pending(self.backend.announcements())),
            "eth_getFilterChanges" => self.filter_changes(params),
            "eth_getFilterLogs" => self.filter_logs(params),
            "eth_uninstallFilter" => filter_id(params)
                .map(|id| json!(id.and_then(|id| self.filters.entries.lock().remove(&id)).is_some())),
            _ => return None,
        })
    }

    fn new_filter(&self, kind: Kind) -> Answer {
        Ok(json!(U64::from(self.filters.add(kind)?)))
    }

    fn new_log_filter(&self, params: &Params) -> Answer {
        params.at_most(1)?;
        let filter: Filter = params.required(0)?;
        self.new_filter(Kind::Logs(self.backend.chain().head(), Box::new(filter)))
    }

    fn filter_changes(&self, params: &Params) -> Answer {
        let id = filter_id(params)?.ok_or_else(not_found)?;
        let mut entries = self.filters.entries.lock();
        entries.retain(|_, entry| entry.asked.elapsed() < self.filters.lifetime);
        let entry = entries.get_mut(&id).ok_or_else(not_found)?;
        entry.asked = Instant::now();
        match &mut entry.kind {
            Kind::Blocks(last) => {
                let change = self.advance(last)?;
                let hashes: Vec<B256> = change.enacted.iter().map(|block| block.hash).collect();
                Ok(json!(hashes))
            }
            Kind::Logs(last, filter) => {
                let change = self.advance(last)?;
                let logs = logs_of_change(&in_range(change, filter), filter);
                view::to_json(&logs)
            }
            Kind::Pending(receiver) => Ok(json!(drain(receiver))),
        }
    }

    /// How the chain changed since `last`, which becomes the head.
    fn advance(&self, last: &mut Arc<ChainBlock>) -> Result<HeadChange, RpcError> {
        let head = self.backend.chain().head();
        let change = self.backend.chain().path(last, &head)?;
        *last = head;
        Ok(change)
    }

    fn filter_logs(&self, params: &Params) -> Answer {
        let id = filter_id(params)?.ok_or_else(not_found)?;
        let filter = match self.filters.entries.lock().get_mut(&id) {
            Some(Entry { kind: Kind::Logs(_, filter), asked }) => {
                *asked = Instant::now();
                filter.clone()
            }
            Some(_) | None => return Err(not_found()),
        };
        view::to_json(&self.matching_logs(&filter)?)
    }
}

fn not_found() -> RpcError {
    RpcError::refused("filter not found")
}

/// The id in the first argument; `None` for one that this node cannot have given out.
fn filter_id(params: &Params) -> Result<Option<u64>, RpcError> {
    params.at_most(1)?;
    let id: Value = params.required(0)?;
    Ok(serde_json::from_value::<U64>(id).ok().map(|id| id.to()))
}

/// Leaves out blocks beyond the numbers that a filter asks for.
pub(super) fn in_range(mut change: HeadChange, filter: &Filter) -> HeadChange {
    if let FilterBlockOption::Range { from_block, to_block } = filter.block_option {
        let from = from_block.and_then(|tag| tag.as_number()).unwrap_or(0);
        let to = to_block.and_then(|tag| tag.as_number()).unwrap_or(u64::MAX);
        let wanted = |block: &Arc<ChainBlock>| (from..=to).contains(&block.number());
        change.reverted.retain(wanted);
        change.enacted.retain(wanted);
    }
    change
}

/// Everything announced since the last call. What a slow client missed is told by the pool itself.
fn drain(receiver: &mut broadcast::Receiver<Announced>) -> Vec<B256> {
    let mut hashes = Vec::new();
    loop {
        match receiver.try_recv() {
            Ok(announced) => hashes.push(*announced.transaction.tx_hash()),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return hashes,
        }
    }
}
