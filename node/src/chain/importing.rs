//! Import: a block that arrives is checked, executed, stored, and becomes the head or not.
//!
//! Apart from the chain itself, because it calls the ommer rules, which need the chain. The rules of
//! headers and of execution are elsewhere.

use super::{Chain, ImportOptions, Imported, clock_s, ommers, path_between};
use crate::execution::{BlockExecution, Execution};
use crate::state::BlockState;
use crate::store::ChainBlock;
use crate::{Block, Header, NodeError, RejectedBlock, Transaction, header};
use alloy_consensus::proofs::{calculate_ommers_root, calculate_transaction_root};
use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::{Address, B256};
use std::sync::Arc;

impl Chain {
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
    pub(super) fn adopt(
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
}

/// Transactions whose senders one thread recovers: fewer are not worth another thread.
const RECOVERIES_A_THREAD: usize = 4;

/// The sender of each transaction. Recovering them is most of the work of importing a block, so all
/// processors share it.
fn senders(block: &Block) -> Result<Vec<Address>, RejectedBlock> {
    let transactions: Vec<(usize, &Transaction)> = block.body.transactions.iter().enumerate().collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = transactions.len().div_ceil(threads).max(RECOVERIES_A_THREAD);
    let mut parts = transactions.chunks(part);
    let first = parts.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || recover(part))).collect();
        let mut senders = recover(first)?;
        for other in others {
            senders.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(senders)
    })
}

fn recover(transactions: &[(usize, &Transaction)]) -> Result<Vec<Address>, RejectedBlock> {
    let sender = |(index, transaction): &(usize, &Transaction)| {
        transaction.recover_signer().map_err(|error| RejectedBlock::Transaction {
            index: *index,
            hash: *transaction.tx_hash(),
            why: error.to_string(),
        })
    };
    transactions.iter().map(sender).collect()
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
