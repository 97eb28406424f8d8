//! The chain on disk: one redb file with blocks, receipts, state nodes, code, indices and the
//! acknowledged transactions that wait for a block.
//!
//! A block, the state it made, the indices and the head change in one redb transaction, which
//! survives `kill -9` and power loss whole or not at all. Readers work on snapshots and never wait.
//!
//! Blocks of side chains are stored like canonical ones; only the indices know the difference.
//! What is stored is in `content`, the open file in `database`, table layouts and snapshots in
//! `tables` and `reader`.

mod content;
mod database;
pub mod reader;
mod tables;

pub use content::{ChainBlock, HeadChange, NewState};
pub use database::Store;
pub use reader::Reader;

use crate::spec::Genesis;
use crate::{ChainSpec, NodeError, Transaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::B256;
use quick_cache::sync::Cache;
use redb::{Database, DatabaseError, Durability, WriteTransaction};
use std::path::Path;
use std::sync::Arc;

/// redb's page cache. Its default of 1 GiB is too much for a laptop.
const PAGE_CACHE_BYTES: usize = 64 << 20;
/// Decoded trie nodes kept in memory: the upper levels and the accounts in use.
const CACHED_NODES: usize = 1 << 16;
/// Blocks kept in memory with their receipts.
const CACHED_BLOCKS: usize = 512;
/// Analysed contracts kept in memory.
const CACHED_CODES: usize = 512;

impl Store {
    /// Opens the database of `spec` in `datadir`, and writes its genesis when it is new.
    ///
    /// # Errors
    /// Storage errors; [`NodeError::InUse`] while another process has it open; [`NodeError::OtherChain`]
    /// when the folder belongs to another chain.
    pub fn open(datadir: &Path, spec: &ChainSpec) -> Result<Self, NodeError> {
        std::fs::create_dir_all(datadir)
            .map_err(|source| NodeError::Io { path: datadir.to_owned(), source })?;
        let path = datadir.join("chain.redb");
        let failed = |source| match source {
            DatabaseError::DatabaseAlreadyOpen => NodeError::InUse { path: path.clone() },
            source => NodeError::Store { path: path.clone(), source: Box::new(source.into()) },
        };
        let mut builder = Database::builder();
        builder.set_cache_size(PAGE_CACHE_BYTES);
        let db = medrec_store::open(&path, &builder).map_err(failed)?;
        let store = Self {
            db,
            path,
            nodes: Cache::new(CACHED_NODES),
            blocks: Cache::new(CACHED_BLOCKS),
            codes: Cache::new(CACHED_CODES),
        };
        store.write(Durability::Immediate, tables::create)?;
        let wanted = spec.genesis.hash();
        match store.reader()?.canonical_hash(0)? {
            None => store.write_genesis(&spec.genesis)?,
            Some(stored) if stored == wanted => {}
            Some(stored) => {
                return Err(NodeError::OtherChain { path: store.path, stored, wanted });
            }
        }
        Ok(store)
    }

    /// A snapshot of what is committed now.
    ///
    /// # Errors
    /// Storage errors.
    pub fn reader(&self) -> Result<Reader<'_>, NodeError> {
        Reader::open(self)
    }

    /// Commits an executed block and the state it made; `head` says how the canonical chain changes,
    /// when it does. With `durable` the call returns after the disk has it; without, it is whole but
    /// may be lost in a crash until the next durable commit.
    ///
    /// # Errors
    /// Storage errors; nothing was written then.
    pub fn commit_block(
        &self,
        block: &Arc<ChainBlock>,
        state: &NewState,
        head: Option<&HeadChange>,
        durable: bool,
    ) -> Result<(), NodeError> {
        let durability = if durable { Durability::Immediate } else { Durability::None };
        self.write(durability, |tx| {
            tables::put_state(tx, state)?;
            tables::put_block(tx, block)?;
            if let Some(change) = head {
                for reverted in &change.reverted {
                    tables::leave_canonical(tx, reverted)?;
                }
                for (transaction, _) in change.orphaned_transactions() {
                    tables::put_pooled(tx, transaction.tx_hash(), &transaction.encoded_2718())?;
                }
                for enacted in &change.enacted {
                    tables::join_canonical(tx, enacted)?;
                }
            }
            Ok(())
        })?;
        self.blocks.insert(block.hash, Arc::clone(block));
        Ok(())
    }

    /// Makes everything committed so far durable.
    ///
    /// # Errors
    /// Storage errors.
    pub fn flush(&self) -> Result<(), NodeError> {
        self.write(Durability::Immediate, |_| Ok(()))
    }

    /// Adds transactions that the node acknowledged, so that a crash does not lose them.
    ///
    /// # Errors
    /// Storage errors.
    pub fn put_pooled(&self, transactions: &[&Transaction]) -> Result<(), NodeError> {
        self.write(Durability::Immediate, |tx| {
            transactions.iter().try_for_each(|transaction| {
                tables::put_pooled(tx, transaction.tx_hash(), &transaction.encoded_2718())
            })
        })
    }

    /// Forgets waiting transactions that were replaced, evicted or are no longer valid.
    ///
    /// # Errors
    /// Storage errors.
    pub fn remove_pooled(&self, hashes: &[B256]) -> Result<(), NodeError> {
        if hashes.is_empty() {
            return Ok(());
        }
        // Not durable: after a crash the pool checks everything again anyway.
        self.write(Durability::None, |tx| tables::remove_pooled(tx, hashes))
    }

    fn write_genesis(&self, genesis: &Genesis) -> Result<(), NodeError> {
        let state = crate::state::genesis::genesis_state(genesis)?;
        let block = Arc::new(ChainBlock {
            hash: genesis.hash(),
            block: genesis.block(),
            total_difficulty: genesis.difficulty,
            senders: Vec::new(),
            receipts: Vec::new(),
        });
        let head = HeadChange { reverted: Vec::new(), enacted: vec![Arc::clone(&block)] };
        self.commit_block(&block, &state, Some(&head), true)
    }

    fn write(
        &self,
        durability: Durability,
        work: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), NodeError> {
        let commit = || -> Result<(), redb::Error> {
            let mut tx = self.db.begin_write()?;
            tx.set_durability(durability)?;
            work(&tx)?;
            tx.commit()?;
            Ok(())
        };
        commit().map_err(|source| self.failed(source))
    }
}
