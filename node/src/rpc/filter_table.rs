//! The polled filters that are open, bounded in number and age.
//!
//! Apart from the methods that use them, because the methods need [`super::Rpc`], which owns this
//! table. It knows nothing of the chain.

use super::RpcError;
use crate::backend::Announced;
use crate::store::ChainBlock;
use alloy_rpc_types_eth::Filter;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// What a filter waits for, with the last block that its owner heard of.
pub(super) enum Kind {
    Blocks(Arc<ChainBlock>),
    Logs(Arc<ChainBlock>, Box<Filter>),
    Pending(broadcast::Receiver<Announced>),
}

/// One filter, and when it was last asked about.
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) asked: Instant,
}

/// All polled filters.
pub(super) struct Filters {
    pub(super) entries: Mutex<BTreeMap<u64, Entry>>,
    limit: usize,
    pub(super) lifetime: Duration,
}

impl Filters {
    pub(super) fn new(limit: usize, lifetime: Duration) -> Self {
        Self { entries: Mutex::new(BTreeMap::new()), limit, lifetime }
    }

    pub(super) fn add(&self, kind: Kind) -> Result<u64, RpcError> {
        let mut entries = self.entries.lock();
        entries.retain(|_, entry| entry.asked.elapsed() < self.lifetime);
        if entries.len() >= self.limit {
            return Err(RpcError::limit(format!("at most {} filters at once", self.limit)));
        }
        let id = entries.last_key_value().map_or(1, |(last, _)| last + 1);
        entries.insert(id, Entry { kind, asked: Instant::now() });
        Ok(id)
    }
}
