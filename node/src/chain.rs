//! The chain: which blocks are valid, which of them are canonical, and what comes next.
//!
//! Every block is checked and executed when it arrives, side chains too, so that fork choice (most
//! total difficulty, first seen wins a tie) only moves indices. What it does not know: waiting
//! transactions, miners, RPC.
//!
//! Imports are in `importing`, ommer rules in `ommers`, building of new blocks in `building`.

pub mod building;
mod importing;
pub mod ommers;

use crate::seal::Sealer;
use crate::state::StateView;
use crate::store::{ChainBlock, HeadChange, Reader, Store};
use crate::{ChainSpec, NodeError};
use parking_lot::{Mutex, RwLock};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What became of a block.
#[derive(Debug)]
pub enum Imported {
    /// It was known before.
    Known,
    /// Valid, but not on the heaviest chain.
    SideChain,
    /// It is the new head.
    Head(Arc<HeadChange>),
}

/// Which checks an import makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportOptions {
    /// Check the proof of work. Only ever off for measurements and for blocks that were just sealed
    /// and checked.
    pub check_seal: bool,
    /// Wait for the disk.
    pub durable: bool,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self { check_seal: true, durable: true }
    }
}

/// The chain of one data folder.
pub struct Chain {
    spec: ChainSpec,
    store: Store,
    sealer: Sealer,
    head: RwLock<Arc<ChainBlock>>,
    /// Held while the head may change.
    writing: Mutex<()>,
}

/// This machine's clock, in seconds since 1970.
pub fn clock_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Chain {
    /// Opens the chain of `spec` in `datadir`, creating it when there is none.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(datadir: &Path, spec: ChainSpec) -> Result<Self, NodeError> {
        let store = Store::open(datadir, &spec)?;
        let head = {
            let reader = store.reader()?;
            reader.known_block(reader.head_hash()?)?
        };
        Ok(Self { spec, store, sealer: Sealer, head: RwLock::new(head), writing: Mutex::new(()) })
    }

    /// The rules.
    pub fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// The store under the chain.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The proof of work.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The head of the canonical chain.
    pub fn head(&self) -> Arc<ChainBlock> {
        Arc::clone(&self.head.read())
    }

    /// A snapshot of the store.
    ///
    /// # Errors
    /// Storage errors.
    pub fn reader(&self) -> Result<Reader<'_>, NodeError> {
        self.store.reader()
    }

    /// The state after `block`.
    ///
    /// # Errors
    /// Storage errors.
    pub fn state_after(&self, block: &ChainBlock) -> Result<StateView<'_>, NodeError> {
        Ok(StateView::new(self.reader()?, block.block.header.state_root))
    }

    /// How the canonical chain changed between two blocks, either of which may be off it by now.
    ///
    /// # Errors
    /// Storage errors.
    pub fn path(&self, from: &Arc<ChainBlock>, to: &Arc<ChainBlock>) -> Result<HeadChange, NodeError> {
        path_between(&self.reader()?, Arc::clone(from), Arc::clone(to))
    }
}

fn path_between(
    reader: &Reader<'_>,
    mut from: Arc<ChainBlock>,
    mut to: Arc<ChainBlock>,
) -> Result<HeadChange, NodeError> {
    let parent = |block: &ChainBlock| reader.known_block(block.block.header.parent_hash);
    let mut change = HeadChange::default();
    while from.hash != to.hash {
        if from.number() >= to.number() {
            let next = parent(&from)?;
            change.reverted.push(std::mem::replace(&mut from, next));
        } else {
            let next = parent(&to)?;
            change.enacted.push(std::mem::replace(&mut to, next));
        }
    }
    change.enacted.reverse();
    Ok(change)
}
