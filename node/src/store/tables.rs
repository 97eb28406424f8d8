//! The tables of the database, and the changes that blocks make to them.
//!
//! Values are RLP, as Ethereum writes these things anyway.

use super::{ChainBlock, NewState};
use crate::ReceiptEnvelope;
use alloy_primitives::{Address, B256, U256};
use alloy_rlp::{Encodable, RlpDecodable, RlpEncodable};
use redb::{Error, TableDefinition, WriteTransaction};

type Hash = &'static [u8; 32];
type HashTable = TableDefinition<'static, Hash, &'static [u8]>;

/// Block hash -> RLP of the block.
pub(super) const BLOCKS: HashTable = TableDefinition::new("blocks");
/// Block hash -> RLP of its [`Outcome`].
pub(super) const OUTCOMES: HashTable = TableDefinition::new("outcomes");
/// (Number, hash) of every block, side chains included: candidates for ommers.
pub(super) const SIBLINGS: TableDefinition<'static, (u64, Hash), ()> = TableDefinition::new("siblings");
/// Number -> hash of the canonical block.
pub(super) const CANONICAL: TableDefinition<'static, u64, Hash> = TableDefinition::new("canonical");
/// Number -> logs bloom of the canonical block, where it is not empty.
pub(super) const BLOOMS: TableDefinition<'static, u64, &'static [u8; 256]> = TableDefinition::new("blooms");
/// Transaction hash -> (number, index) on the canonical chain.
pub(super) const TRANSACTIONS: TableDefinition<'static, Hash, (u64, u64)> =
    TableDefinition::new("transactions");
/// Node hash -> RLP of a state or storage trie node.
pub(super) const NODES: HashTable = TableDefinition::new("nodes");
/// Code hash -> contract code.
pub(super) const CODES: HashTable = TableDefinition::new("codes");
/// Transaction hash -> acknowledged transaction that is in no canonical block yet.
pub(super) const POOL: HashTable = TableDefinition::new("pool");
/// The one row is the head's hash.
pub(super) const HEAD: TableDefinition<'static, (), Hash> = TableDefinition::new("head");

/// What execution gave, beside the block itself.
#[derive(RlpEncodable, RlpDecodable)]
pub(super) struct Outcome {
    pub(super) total_difficulty: U256,
    pub(super) senders: Vec<Address>,
    pub(super) receipts: Vec<ReceiptEnvelope>,
}

/// Opening a table creates it, so that readers never find one missing.
pub(super) fn create(tx: &WriteTransaction) -> Result<(), Error> {
    for table in [BLOCKS, OUTCOMES, NODES, CODES, POOL] {
        tx.open_table(table)?;
    }
    tx.open_table(SIBLINGS)?;
    tx.open_table(CANONICAL)?;
    tx.open_table(BLOOMS)?;
    tx.open_table(TRANSACTIONS)?;
    tx.open_table(HEAD)?;
    Ok(())
}

pub(super) fn put_state(tx: &WriteTransaction, state: &NewState) -> Result<(), Error> {
    let mut nodes = tx.open_table(NODES)?;
    for (hash, rlp) in &state.nodes {
        nodes.insert(&hash.0, rlp.as_ref())?;
    }
    let mut codes = tx.open_table(CODES)?;
    for (hash, code) in &state.codes {
        codes.insert(&hash.0, code.as_ref())?;
    }
    Ok(())
}

pub(super) fn put_block(tx: &WriteTransaction, block: &ChainBlock) -> Result<(), Error> {
    let mut rlp = Vec::new();
    block.block.encode(&mut rlp);
    tx.open_table(BLOCKS)?.insert(&block.hash.0, rlp.as_slice())?;
    rlp.clear();
    let outcome = Outcome {
        total_difficulty: block.total_difficulty,
        senders: block.senders.clone(),
        receipts: block.receipts.clone(),
    };
    outcome.encode(&mut rlp);
    tx.open_table(OUTCOMES)?.insert(&block.hash.0, rlp.as_slice())?;
    tx.open_table(SIBLINGS)?.insert((block.number(), &block.hash.0), ())?;
    Ok(())
}

pub(super) fn leave_canonical(tx: &WriteTransaction, block: &ChainBlock) -> Result<(), Error> {
    tx.open_table(CANONICAL)?.remove(block.number())?;
    tx.open_table(BLOOMS)?.remove(block.number())?;
    let mut transactions = tx.open_table(TRANSACTIONS)?;
    for transaction in &block.block.body.transactions {
        transactions.remove(&transaction.tx_hash().0)?;
    }
    Ok(())
}

/// Makes `block` canonical and the head; later calls go up the chain.
pub(super) fn join_canonical(tx: &WriteTransaction, block: &ChainBlock) -> Result<(), Error> {
    tx.open_table(CANONICAL)?.insert(block.number(), &block.hash.0)?;
    let bloom = &block.block.header.logs_bloom;
    if !bloom.is_zero() {
        tx.open_table(BLOOMS)?.insert(block.number(), &bloom.0.0)?;
    }
    let mut transactions = tx.open_table(TRANSACTIONS)?;
    let mut pool = tx.open_table(POOL)?;
    for (index, transaction) in (0_u64..).zip(&block.block.body.transactions) {
        transactions.insert(&transaction.tx_hash().0, (block.number(), index))?;
        pool.remove(&transaction.tx_hash().0)?;
    }
    tx.open_table(HEAD)?.insert((), &block.hash.0)?;
    Ok(())
}

pub(super) fn put_pooled(tx: &WriteTransaction, hash: &B256, rlp: &[u8]) -> Result<(), Error> {
    tx.open_table(POOL)?.insert(&hash.0, rlp)?;
    Ok(())
}

pub(super) fn remove_pooled(tx: &WriteTransaction, hashes: &[B256]) -> Result<(), Error> {
    let mut pool = tx.open_table(POOL)?;
    for hash in hashes {
        pool.remove(&hash.0)?;
    }
    Ok(())
}
