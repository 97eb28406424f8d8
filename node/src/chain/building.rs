//! New blocks on top of the head, executed and complete but for their seal.

use super::{Chain, Imported, clock_s, ommers};
use crate::execution::{BlockExecution, Execution, Unexecutable};
use crate::header::{child_base_fee_wei, child_gas_limit};
use crate::state::BlockState;
use crate::store::{ChainBlock, NewState};
use crate::{Block, Header, NodeError, ReceiptEnvelope, RejectedBlock, Transaction, seal};
use alloy_consensus::BlockBody;
use alloy_consensus::proofs::{calculate_ommers_root, calculate_transaction_root};
use alloy_primitives::{Address, B64, B256, Bytes};
use std::sync::Arc;

/// What a miner decides about a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockTemplate {
    /// Who is paid.
    pub coinbase: Address,
    /// Up to 32 bytes.
    pub extra_data: Bytes,
    /// Where the gas limit should go.
    pub gas_limit_target: u64,
    /// The block's time, in seconds since 1970; the clock's when absent. Either way it is after the
    /// parent's.
    pub timestamp_s: Option<u64>,
}

/// A source of transactions in the order in which a miner wants them.
pub trait TransactionSource {
    /// The next transaction to try, and its sender.
    fn next(&mut self) -> Option<(Arc<Transaction>, Address)>;
    /// Says that the last one did not fit; `retry_sender` is false when the sender's later ones
    /// cannot fit either.
    fn skipped(&mut self, why: &Unexecutable);
}

/// A block without a seal, with everything that its execution gave.
#[derive(Debug)]
pub struct Candidate {
    /// The block; mix and nonce are 0.
    pub block: Block,
    /// What miners work on.
    pub seal_hash: B256,
    /// The sender of each transaction.
    pub senders: Vec<Address>,
    /// The receipt of each transaction.
    pub receipts: Vec<ReceiptEnvelope>,
    /// The state that it makes.
    pub state: Arc<NewState>,
}

/// Least gas that any transaction needs.
const TRANSACTION_GAS: u64 = 21_000;

impl Chain {
    /// Builds a block on `parent` from as many transactions as fit.
    ///
    /// # Errors
    /// Storage errors.
    pub fn build(
        &self,
        parent: &ChainBlock,
        template: &BlockTemplate,
        source: &mut dyn TransactionSource,
    ) -> Result<Candidate, NodeError> {
        let mut header = self.child_header(&parent.block.header, parent.hash, template);
        let state = BlockState::new(self.state_after(parent)?, parent.hash, parent.number());
        let mut execution = BlockExecution::new(&self.spec, &header, state);
        let (mut transactions, mut senders) = (Vec::new(), Vec::new());
        while execution.gas_left() >= TRANSACTION_GAS
            && let Some((transaction, sender)) = source.next()
        {
            match execution.transact(&transaction, sender)? {
                Ok(()) => {
                    transactions.push(Transaction::clone(&transaction));
                    senders.push(sender);
                }
                Err(why) => source.skipped(&why),
            }
        }
        let ommers = ommers::candidates(&self.reader()?, parent)?;
        let execution = execution.finish(&header, &ommers)?;
        header.transactions_root = calculate_transaction_root(&transactions);
        header.ommers_hash = calculate_ommers_root(&ommers);
        header.state_root = execution.state_root;
        header.receipts_root = execution.receipts_root;
        header.logs_bloom = execution.logs_bloom;
        header.gas_used = execution.gas_used;
        let seal_hash = seal::seal_hash(&header);
        let body = BlockBody { transactions, ommers, withdrawals: None };
        Ok(Candidate {
            block: Block::new(header, body),
            seal_hash,
            senders,
            receipts: execution.receipts,
            state: Arc::new(execution.state),
        })
    }

    fn child_header(&self, parent: &Header, parent_hash: B256, template: &BlockTemplate) -> Header {
        let timestamp = template.timestamp_s.unwrap_or_else(clock_s).max(parent.timestamp + 1);
        Header {
            parent_hash,
            beneficiary: template.coinbase,
            number: parent.number + 1,
            timestamp,
            difficulty: self.spec.difficulty.of_child(parent, timestamp),
            gas_limit: child_gas_limit(parent.gas_limit, template.gas_limit_target),
            base_fee_per_gas: Some(child_base_fee_wei(parent)),
            extra_data: template.extra_data.clone(),
            ..Header::default()
        }
    }

    /// Takes a candidate of this chain with a seal. The seal is checked; the rest was made here.
    ///
    /// # Errors
    /// [`NodeError::Block`] for a wrong seal; storage errors.
    pub fn adopt_sealed(&self, candidate: &Candidate, nonce: B64, mix: B256) -> Result<Imported, NodeError> {
        let mut block = candidate.block.clone();
        block.header.nonce = nonce;
        block.header.mix_hash = mix;
        let hash = block.header.hash_slow();
        let refused = |reason: RejectedBlock| NodeError::Block {
            number: block.header.number,
            hash,
            reason: Box::new(reason),
        };
        self.sealer.verify(&block.header)?.map_err(refused)?;
        let parent = self.reader()?.known_block(block.header.parent_hash)?;
        let header = &block.header;
        let execution = Execution {
            receipts: candidate.receipts.clone(),
            gas_used: header.gas_used,
            logs_bloom: header.logs_bloom,
            receipts_root: header.receipts_root,
            state_root: header.state_root,
            state: NewState::clone(&candidate.state),
        };
        self.adopt(block, hash, &parent, candidate.senders.clone(), execution, true)
    }
}
