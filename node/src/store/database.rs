//! The open database file with the caches before it, and errors that name the file.
//!
//! Apart from the store because snapshots read through it too. It opens, reads and writes nothing.

use super::content::ChainBlock;
use crate::NodeError;
use crate::trie::node::Node;
use alloy_primitives::B256;
use quick_cache::sync::Cache;
use redb::Database;
use std::path::PathBuf;
use std::sync::Arc;

/// The database, and the caches before it.
pub struct Store {
    pub(super) db: Database,
    pub(super) path: PathBuf,
    pub(super) nodes: Cache<B256, Arc<Node>>,
    pub(super) blocks: Cache<B256, Arc<ChainBlock>>,
    pub(super) codes: Cache<B256, revm::bytecode::Bytecode>,
}

impl Store {
    pub(super) fn failed(&self, source: impl Into<redb::Error>) -> NodeError {
        NodeError::Store { path: self.path.clone(), source: Box::new(source.into()) }
    }

    pub(super) fn corrupt(&self, what: impl Into<String>) -> NodeError {
        NodeError::Corrupt { path: self.path.clone(), what: what.into() }
    }
}
