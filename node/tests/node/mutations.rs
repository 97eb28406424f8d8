//! Blocks with one thing wrong each, and a proof of work that is right for the wrong block.

use crate::support::TestNode;
use alloy_primitives::{B64, B256, Bloom, U256};
use medrec_node::chain::ImportOptions;
use medrec_node::seal::{Sealer, boundary, seal_hash};
use medrec_node::work::light;
use medrec_node::{Block, NodeError, RejectedBlock};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A wrong block.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    pub(crate) block: Block,
    /// Words of the reason that the importer must give.
    reason: &'static str,
}

impl Mutant {
    pub(crate) fn assert_refused_by(&self, node: &TestNode) {
        match node.backend.import(self.block.clone(), ImportOptions::default()) {
            Err(NodeError::Block { reason, .. }) => {
                assert!(reason.to_string().contains(self.reason), "{}: {reason}", self.name);
            }
            other => panic!("{} was not refused: {other:?}", self.name),
        }
    }
}

type Change = fn(&mut Block);

/// Changes after which the block is sealed again, so that only the change is wrong.
const SEALED: [(&str, &str, Change); 10] = [
    ("difficulty", "difficulty is", |block| block.header.difficulty += U256::from(1)),
    ("timestamp", "timestamp 1600000000", |block| block.header.timestamp = 1_600_000_000),
    ("base fee", "base fee is", |block| block.header.base_fee_per_gas = Some(9)),
    ("gas limit", "gas limit", |block| block.header.gas_limit += block.header.gas_limit / 1_024 + 1),
    ("state root", "state root is", |block| block.header.state_root = B256::ZERO),
    ("receipts root", "receipts root is", |block| block.header.receipts_root = B256::ZERO),
    ("bloom", "logs bloom", |block| block.header.logs_bloom = Bloom::repeat_byte(1)),
    ("ommers hash", "ommers hash is", |block| block.header.ommers_hash = B256::ZERO),
    ("gas used", "gas used is", |block| block.header.gas_used += 1),
    ("extra data", "extra data of 33", |block| block.header.extra_data = vec![0; 33].into()),
];

/// Changes of the seal itself.
const UNSEALED: [(&str, &str, Change); 2] = [
    ("mix", "mix digest is", |block| block.header.mix_hash = B256::ZERO),
    ("nonce", "mix digest is", |block| block.header.nonce = B64::repeat_byte(0xff)),
];

/// One wrong block for each rule, all siblings of `good`.
pub(crate) fn mutants(good: &Block) -> Vec<Mutant> {
    let changed = |(name, reason, change): (&'static str, &'static str, Change)| {
        let mut block = good.clone();
        change(&mut block);
        Mutant { name, block, reason }
    };
    let mut mutants: Vec<Mutant> = SEALED
        .into_iter()
        .map(|mutation| {
            let mut mutant = changed(mutation);
            seal(&mut mutant.block);
            mutant
        })
        .collect();
    mutants.extend(UNSEALED.into_iter().map(changed));
    mutants.push(weak(good));
    mutants
}

fn seal(block: &mut Block) {
    let candidate = medrec_node::chain::building::Candidate {
        seal_hash: seal_hash(&block.header),
        block: block.clone(),
        senders: Vec::new(),
        receipts: Vec::new(),
        state: Arc::default(),
    };
    let seal = light::seal(&Sealer, &candidate, 2, &AtomicBool::new(false)).unwrap();
    (block.header.nonce, block.header.mix_hash) = seal.unwrap();
}

/// A true hash of the block, above the boundary.
fn weak(good: &Block) -> Mutant {
    let mut block = good.clone();
    let (limit, hash) = (boundary(block.header.difficulty), seal_hash(&block.header));
    let hashes = Sealer.hash_many(block.header.number, hash, 0, 1_000).unwrap();
    let above = (0_u64..).zip(hashes).find(|(_, (_, result))| U256::from_be_bytes(result.0) > limit);
    let (nonce, (mix, _)) = above.unwrap();
    (block.header.nonce, block.header.mix_hash) = (B64::from(nonce), mix);
    Mutant { name: "weak seal", block, reason: "above the boundary" }
}

/// Not a consensus rule, and so not one that other clients share: a block from the future.
#[test]
fn a_block_from_the_future_waits_for_its_time() {
    let node = TestNode::new(crate::support::spec(4));
    let mut block = node.mine().block.clone();
    block.header.timestamp += 1_000_000;
    let refused = node.backend.import(block, ImportOptions { check_seal: false, durable: true });
    let Err(NodeError::Block { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(matches!(*reason, RejectedBlock::Future { .. }));
}
