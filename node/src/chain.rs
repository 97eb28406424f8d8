//! The chain: which blocks are valid, which of them are canonical, and what comes next.
//!
//! Every block is checked and executed when it arrives, side chains too, so that fork choice (most
//! total difficulty, first seen wins a tie) only moves indices. What it does not know: waiting
//! transactions, miners, RPC.
//!
//! Ommer rules are in [`ommers`], building of new blocks in [`building`].

pub mod building;
pub mod ommers;

use crate::execution::{BlockExecution, Execution};
use crate::seal::Sealer;
use crate::state::{BlockState, StateView};
use crate::store::{ChainBlock, HeadChange, Reader, Store};
use crate::{Block, ChainSpec, Header, NodeError, RejectedBlock, header};
use alloy_consensus::proofs::{calculate_ommers_root, calculate_transaction_root};
use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::{Address, B256};
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

    /// Checks a block, executes it, stores it, and makes it the head when its chain is the heaviest.
    ///
    /// # Errors
    /// [`NodeError::Block`] for a broken rule; storage errors.
    pub fn import(&self, block: Block, options: ImportOptions) -> Result<Imported, NodeError> {
        let hash = block.header.hash_slow();
        let reader = self.reader()?;
        if reader.block(hash)?.is_some() {
            return Ok(Imported::Known);
        }
        let refused = |reason: RejectedBlock| NodeError::Block {
            number: block.header.number,
            hash,
            reason: Box::new(reason),
        };
        let parent_hash = block.header.parent_hash;
        let parent =
            reader.block(parent_hash)?.ok_or_else(|| refused(RejectedBlock::UnknownParent(parent_hash)))?;
        self.check_header(&block.header, &parent.block.header, options)?.map_err(refused)?;
        check_body(&block).map_err(refused)?;
        ommers::check(self, &reader, &block, options.check_seal)?.map_err(refused)?;
        let senders = senders(&block).map_err(refused)?;
        let execution = self.execute(&block, &parent, &senders)?.map_err(refused)?;
        execution.check(&block.header).map_err(refused)?;
        self.adopt(block, hash, &parent, senders, execution, options.durable)
    }

    fn check_header(
        &self,
        header: &Header,
        parent: &Header,
        options: ImportOptions,
    ) -> Result<Result<(), RejectedBlock>, NodeError> {
        let now = clock_s();
        if header.timestamp > now + header::FUTURE_LIMIT_S {
            let (found, limit) = (header.timestamp, header::FUTURE_LIMIT_S);
            return Ok(Err(RejectedBlock::Future { found, now, limit }));
        }
        if options.check_seal {
            header::validate_sealed(&self.spec, &self.sealer, header, parent)
        } else {
            Ok(header::validate(&self.spec, header, parent))
        }
    }

    fn execute(
        &self,
        block: &Block,
        parent: &ChainBlock,
        senders: &[Address],
    ) -> Result<Result<Execution, RejectedBlock>, NodeError> {
        let state = BlockState::new(self.state_after(parent)?, parent.hash, parent.number());
        let mut execution = BlockExecution::new(&self.spec, &block.header, state);
        for (index, (transaction, sender)) in block.body.transactions.iter().zip(senders).enumerate() {
            if let Err(why) = execution.transact(transaction, *sender)? {
                let hash = *transaction.tx_hash();
                return Ok(Err(RejectedBlock::Transaction { index, hash, why: why.to_string() }));
            }
        }
        execution.finish(&block.header, &block.body.ommers).map(Ok)
    }

    /// Stores an executed block whose parent is `parent`, and chooses the head.
    fn adopt(
        &self,
        block: Block,
        hash: B256,
        parent: &ChainBlock,
        senders: Vec<Address>,
        execution: Execution,
        durable: bool,
    ) -> Result<Imported, NodeError> {
        let total_difficulty = parent.total_difficulty + block.header.difficulty;
        let Execution { receipts, state, .. } = execution;
        let block = Arc::new(ChainBlock { hash, block, total_difficulty, senders, receipts });
        let _writing = self.writing.lock();
        let head = self.head();
        if self.reader()?.block(hash)?.is_some() {
            return Ok(Imported::Known);
        }
        if total_difficulty <= head.total_difficulty {
            self.store.commit_block(&block, &state, None, durable)?;
            return Ok(Imported::SideChain);
        }
        let change = Arc::new(path_between(&self.reader()?, head, Arc::clone(&block))?);
        self.store.commit_block(&block, &state, Some(&change), durable)?;
        *self.head.write() = block;
        Ok(Imported::Head(change))
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

/// The sender of each transaction.
fn senders(block: &Block) -> Result<Vec<Address>, RejectedBlock> {
    let transactions = block.body.transactions.iter().enumerate();
    transactions
        .map(|(index, transaction)| {
            transaction.recover_signer().map_err(|error| RejectedBlock::Transaction {
                index,
                hash: *transaction.tx_hash(),
                why: error.to_string(),
            })
        })
        .collect()
}

fn check_body(block: &Block) -> Result<(), RejectedBlock> {
    if block.body.withdrawals.is_some() {
        return Err(RejectedBlock::LaterFork("withdrawals"));
    }
    let header = &block.header;
    let roots = [
        ("transactions root", header.transactions_root, calculate_transaction_root(&block.body.transactions)),
        ("ommers hash", header.ommers_hash, calculate_ommers_root(&block.body.ommers)),
    ];
    for (field, found, expected) in roots {
        if found != expected {
            return Err(RejectedBlock::Root { field, found, expected });
        }
    }
    Ok(())
}
