//! What the store holds and what changes it: blocks with their outcome, new state, a new head.
//!
//! Plain values, apart from the store because its tables and snapshots need them too. How they are
//! laid out on disk is not known here.

use crate::trie::NewNodes;
use crate::{Block, ReceiptEnvelope, Transaction};
use alloy_primitives::{Address, B256, Bytes, U256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A block that passed every check, with what its execution gave.
#[derive(Debug, Clone)]
pub struct ChainBlock {
    /// Its hash.
    pub hash: B256,
    /// Header, transactions, ommers.
    pub block: Block,
    /// Difficulty of this block and all its ancestors.
    pub total_difficulty: U256,
    /// The sender of each transaction.
    pub senders: Vec<Address>,
    /// The receipt of each transaction.
    pub receipts: Vec<ReceiptEnvelope>,
}

impl ChainBlock {
    /// The block's number.
    pub fn number(&self) -> u64 {
        self.block.header.number
    }
}

/// State that an execution made.
#[derive(Debug, Clone, Default)]
pub struct NewState {
    /// Trie nodes by hash.
    pub nodes: NewNodes,
    /// Contract code by hash.
    pub codes: BTreeMap<B256, Bytes>,
}

/// How the canonical chain changes: blocks leave it, highest first, and join it, lowest first.
#[derive(Debug, Clone, Default)]
pub struct HeadChange {
    /// Blocks that leave the canonical chain, highest first.
    pub reverted: Vec<Arc<ChainBlock>>,
    /// Blocks that join it, lowest first; the last one is the new head.
    pub enacted: Vec<Arc<ChainBlock>>,
}

impl HeadChange {
    /// Transactions of the reverted blocks that no enacted block contains.
    pub fn orphaned_transactions(&self) -> Vec<(&Transaction, Address)> {
        let enacted: BTreeSet<&B256> = self
            .enacted
            .iter()
            .flat_map(|block| block.block.body.transactions.iter().map(Transaction::tx_hash))
            .collect();
        let reverted = self.reverted.iter().rev();
        reverted
            .flat_map(|block| block.block.body.transactions.iter().zip(block.senders.iter().copied()))
            .filter(|(tx, _)| !enacted.contains(tx.tx_hash()))
            .collect()
    }
}
