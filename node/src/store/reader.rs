//! Snapshots of the database: what was committed when they were opened, and nothing later.

use super::tables::{
    BLOCKS, BLOOMS, CANONICAL, CODES, HEAD, NODES, OUTCOMES, Outcome, POOL, SIBLINGS, TRANSACTIONS,
};
use super::{ChainBlock, Store};
use crate::trie::NodeSource;
use crate::trie::node::Node;
use crate::{Block, NodeError};
use alloy_primitives::{B256, Bloom, Bytes};
use alloy_rlp::Decodable;
use redb::{ReadOnlyTable, ReadTransaction, ReadableDatabase};
use revm::bytecode::Bytecode;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A consistent view of the database.
pub struct Reader<'s> {
    store: &'s Store,
    tx: ReadTransaction,
    /// Opened once: state is read node by node.
    nodes: ReadOnlyTable<&'static [u8; 32], &'static [u8]>,
}

impl<'s> Reader<'s> {
    pub(super) fn open(store: &'s Store) -> Result<Self, NodeError> {
        let open = || -> Result<_, redb::Error> {
            let tx = store.db.begin_read()?;
            let nodes = tx.open_table(NODES)?;
            Ok((tx, nodes))
        };
        let (tx, nodes) = open().map_err(|error| store.failed(error))?;
        Ok(Self { store, tx, nodes })
    }

    fn read<T>(&self, work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, NodeError> {
        work(&self.tx).map_err(|error| self.store.failed(error))
    }

    /// The error for a row that this version cannot have written.
    pub(crate) fn corrupt(&self, what: String) -> NodeError {
        self.store.corrupt(what)
    }

    /// The hash of the head.
    ///
    /// # Errors
    /// Storage errors.
    pub fn head_hash(&self) -> Result<B256, NodeError> {
        let head = self.read(|tx| Ok(tx.open_table(HEAD)?.get(())?.map(|hash| B256::from(hash.value()))))?;
        head.ok_or_else(|| self.store.corrupt("no head"))
    }

    /// The hash of the canonical block `number`.
    ///
    /// # Errors
    /// Storage errors.
    pub fn canonical_hash(&self, number: u64) -> Result<Option<B256>, NodeError> {
        self.read(|tx| Ok(tx.open_table(CANONICAL)?.get(number)?.map(|hash| B256::from(hash.value()))))
    }

    /// Any block that was ever accepted.
    ///
    /// # Errors
    /// Storage errors.
    pub fn block(&self, hash: B256) -> Result<Option<Arc<ChainBlock>>, NodeError> {
        if let Some(block) = self.store.blocks.get(&hash) {
            return Ok(Some(block));
        }
        let found = self.read(|tx| {
            let block = tx.open_table(BLOCKS)?.get(&hash.0)?.map(|rlp| rlp.value().to_vec());
            let outcome = tx.open_table(OUTCOMES)?.get(&hash.0)?.map(|rlp| rlp.value().to_vec());
            Ok(block.zip(outcome))
        })?;
        let Some((block, outcome)) = found else { return Ok(None) };
        let bad = |error| self.store.corrupt(format!("block {hash}: {error}"));
        let Outcome { total_difficulty, senders, receipts } =
            Outcome::decode(&mut outcome.as_slice()).map_err(bad)?;
        let block = Block::decode(&mut block.as_slice()).map_err(bad)?;
        let block = Arc::new(ChainBlock { hash, block, total_difficulty, senders, receipts });
        self.store.blocks.insert(hash, Arc::clone(&block));
        Ok(Some(block))
    }

    /// A block that must be there because another row names it.
    ///
    /// # Errors
    /// Storage errors; [`NodeError::Corrupt`] when it is missing.
    pub fn known_block(&self, hash: B256) -> Result<Arc<ChainBlock>, NodeError> {
        self.block(hash)?.ok_or_else(|| self.store.corrupt(format!("block {hash} is missing")))
    }

    /// The canonical block `number`.
    ///
    /// # Errors
    /// Storage errors.
    pub fn canonical_block(&self, number: u64) -> Result<Option<Arc<ChainBlock>>, NodeError> {
        match self.canonical_hash(number)? {
            Some(hash) => self.known_block(hash).map(Some),
            None => Ok(None),
        }
    }

    /// Hashes of all blocks with this number, canonical or not.
    ///
    /// # Errors
    /// Storage errors.
    pub fn siblings(&self, number: u64) -> Result<Vec<B256>, NodeError> {
        self.read(|tx| {
            let table = tx.open_table(SIBLINGS)?;
            let range = (number, &[0; 32])..=(number, &[0xff; 32]);
            table.range(range)?.map(|row| Ok(B256::from(row?.0.value().1))).collect()
        })
    }

    /// Where a transaction sits on the canonical chain: number and index.
    ///
    /// # Errors
    /// Storage errors.
    pub fn transaction_place(&self, hash: B256) -> Result<Option<(u64, u64)>, NodeError> {
        self.read(|tx| Ok(tx.open_table(TRANSACTIONS)?.get(&hash.0)?.map(|place| place.value())))
    }

    /// Numbers in `range` whose canonical block has logs and a bloom that `matches`.
    ///
    /// # Errors
    /// Storage errors.
    pub fn bloom_matches(
        &self,
        range: RangeInclusive<u64>,
        matches: impl Fn(&Bloom) -> bool,
    ) -> Result<Vec<u64>, NodeError> {
        self.read(|tx| {
            let mut numbers = Vec::new();
            for row in tx.open_table(BLOOMS)?.range(range)? {
                let (number, bloom) = row?;
                if matches(&Bloom::from(bloom.value())) {
                    numbers.push(number.value());
                }
            }
            Ok(numbers)
        })
    }

    /// Acknowledged transactions that wait for a block, as they were sent.
    ///
    /// # Errors
    /// Storage errors.
    pub fn pooled(&self) -> Result<Vec<(B256, Bytes)>, NodeError> {
        self.read(|tx| {
            let table = tx.open_table(POOL)?;
            let rows = table.range::<&[u8; 32]>(..)?;
            rows.map(|row| {
                let (hash, rlp) = row?;
                Ok((B256::from(hash.value()), Bytes::copy_from_slice(rlp.value())))
            })
            .collect()
        })
    }

    /// Contract code, analysed for execution.
    ///
    /// # Errors
    /// Storage errors; [`NodeError::Corrupt`] when it is missing.
    pub fn code(&self, hash: B256) -> Result<Bytecode, NodeError> {
        if let Some(code) = self.store.codes.get(&hash) {
            return Ok(code);
        }
        let raw = self.read(|tx| {
            Ok(tx.open_table(CODES)?.get(&hash.0)?.map(|code| Bytes::copy_from_slice(code.value())))
        })?;
        let raw = raw.ok_or_else(|| self.store.corrupt(format!("code {hash} is missing")))?;
        let code = Bytecode::new_raw(raw);
        self.store.codes.insert(hash, code.clone());
        Ok(code)
    }
}

impl NodeSource for Reader<'_> {
    fn node(&self, hash: B256) -> Result<Arc<Node>, NodeError> {
        if let Some(node) = self.store.nodes.get(&hash) {
            return Ok(node);
        }
        let rlp = self.nodes.get(&hash.0).map_err(|error| self.store.failed(error))?;
        let rlp = rlp.ok_or_else(|| self.store.corrupt(format!("trie node {hash} is missing")))?;
        let node = Node::decode(&mut rlp.value())
            .map_err(|error| self.store.corrupt(format!("trie node {hash}: {error}")))?;
        let node = Arc::new(node);
        self.store.nodes.insert(hash, Arc::clone(&node));
        Ok(node)
    }
}
