//! Blocks with every kind of transaction: what one node builds another accepts, and whatever is
//! changed in them is refused.

use crate::support::{CONTRACT, MINER, Sender, TestNode, spec};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, TxKind, U256};
use medrec_node::chain::{Imported, ImportOptions};
use medrec_node::seal::seal_hash;
use medrec_node::work::light;
use medrec_node::{Block, NodeError, RejectedBlock, blockfile};
use std::sync::atomic::AtomicBool;

fn word(value: u64) -> Bytes {
    U256::from(value).to_be_bytes::<32>().into()
}

/// Creation, call, revert, transfers; EIP-1559, EIP-2930 and legacy; empty blocks between.
fn busy_chain() -> TestNode {
    let node = TestNode::new(spec(8));
    let (mut one, mut two) = (Sender::number(0), Sender::number(1));
    let contract = one.address().create(0);
    node.submit(&one.dynamic(TxKind::Create, 0, CONTRACT));
    node.submit(&two.legacy(TxKind::Call(Address::repeat_byte(0xbb)), 5, Bytes::new()));
    node.mine();
    node.mine();
    node.submit(&one.dynamic(TxKind::Call(contract), 0, word(7)));
    node.submit(&one.listed(contract, word(8)));
    node.submit(&two.dynamic(TxKind::Call(contract), 0, Bytes::new()));
    node.mine();
    node.submit(&two.legacy(TxKind::Call(contract), 0, word(0)));
    node.mine();
    node
}

#[test]
fn receipts_say_what_happened_and_the_state_agrees() {
    let node = busy_chain();
    let chain = node.backend.chain();
    let reader = chain.reader().unwrap();
    let third = reader.canonical_block(3).unwrap().unwrap();
    let statuses: Vec<bool> =
        third.receipts.iter().map(alloy_consensus::TxReceipt::status).collect();
    assert_eq!(statuses.iter().filter(|status| **status).count(), 2);
    assert_eq!(statuses.len(), 3);
    let contract = Sender::number(0).address().create(0);
    let view = chain.state_after(&node.head()).unwrap();
    let account = view.account(contract).unwrap().unwrap();
    assert_eq!(view.slot(account.storage_root, U256::ZERO).unwrap(), U256::ZERO);
    assert_eq!(view.slot(account.storage_root, U256::from(1)).unwrap(), U256::from(3));
    let old = chain.state_after(&third).unwrap();
    let account = old.account(contract).unwrap().unwrap();
    assert_ne!(old.slot(account.storage_root, U256::ZERO).unwrap(), U256::ZERO, "old states stay readable");
    assert_eq!(node.balance(Address::repeat_byte(0xbb)), U256::from(5));
    assert!(node.balance(MINER) > U256::from(8_000_000_000_000_000_000_u128));
}

#[test]
fn a_block_file_carries_the_chain_to_another_node() {
    let node = busy_chain();
    let file = node.folder.path().join("blocks.rlp");
    assert_eq!(blockfile::export(&node.backend, &file, 0..=u64::MAX).unwrap(), 5);
    let other = TestNode::new(spec(8));
    let summary = blockfile::import(&other.backend, &file, ImportOptions::default(), |_| {}).unwrap();
    assert_eq!((summary.blocks, summary.known), (4, 0));
    assert_eq!(other.head().hash, node.head().hash);
    let again = blockfile::import(&other.backend, &file, ImportOptions::default(), |_| {}).unwrap();
    assert_eq!(again.known, 4);
    let stranger = TestNode::new(spec(9));
    let refused = blockfile::import(&stranger.backend, &file, ImportOptions::default(), |_| {});
    assert!(matches!(refused, Err(NodeError::OtherChain { .. })));
}

#[test]
fn a_truncated_block_file_says_where_and_keeps_what_came_before() {
    let node = busy_chain();
    let file = node.folder.path().join("blocks.rlp");
    blockfile::export(&node.backend, &file, 1..=4).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let other = TestNode::new(spec(8));
    let refused = blockfile::import(&other.backend, &file, ImportOptions::default(), |_| {});
    assert!(matches!(refused, Err(NodeError::BlockFile { offset, .. }) if offset > 0));
    assert_eq!(other.head().number(), 3);
}

#[test]
fn a_restarted_node_has_the_same_head_and_state() {
    let node = busy_chain();
    let (head, folder) = (node.head().hash, std::sync::Arc::clone(&node.folder));
    let before = node.balance(MINER);
    drop(node);
    let node = TestNode::reopen(spec(8), folder);
    assert_eq!(node.head().hash, head);
    assert_eq!(node.balance(MINER), before);
}

/// Makes the proof of work of a changed block right again, so that only the change is wrong.
fn reseal(node: &TestNode, block: &mut Block) {
    let candidate = medrec_node::chain::building::Candidate {
        seal_hash: seal_hash(&block.header),
        block: block.clone(),
        senders: Vec::new(),
        receipts: Vec::new(),
        state: std::sync::Arc::default(),
    };
    let sealer = node.backend.chain().sealer();
    let seal = light::seal(sealer, &candidate, 2, &AtomicBool::new(false)).unwrap();
    (block.header.nonce, block.header.mix_hash) = seal.unwrap();
}

#[test]
fn every_mutation_of_a_block_is_refused_for_its_own_reason() {
    let source = busy_chain();
    let file = source.folder.path().join("blocks.rlp");
    blockfile::export(&source.backend, &file, 1..=3).unwrap();
    let blocks: Vec<Block> =
        blockfile::BlockFile::open(&file).unwrap().collect::<Result<_, _>>().unwrap();
    let node = TestNode::new(spec(8));
    for block in &blocks[..2] {
        node.backend.import(block.clone(), ImportOptions::default()).unwrap();
    }
    let good = &blocks[2];
    type Mutation = fn(&mut Block);
    type Expected = fn(&RejectedBlock) -> bool;
    let sealed: [(&str, Mutation, Expected); 10] = [
        ("difficulty", |b| b.header.difficulty += U256::from(1), |r| matches!(r, RejectedBlock::Value { field: "difficulty", .. })),
        ("timestamp", |b| b.header.timestamp = 1_600_000_000, |r| matches!(r, RejectedBlock::Timestamp { .. })),
        ("future", |b| b.header.timestamp += 1_000_000, |r| matches!(r, RejectedBlock::Future { .. })),
        ("base fee", |b| b.header.base_fee_per_gas = Some(9), |r| matches!(r, RejectedBlock::Value { field: "base fee", .. })),
        ("gas limit", |b| b.header.gas_limit *= 2, |r| matches!(r, RejectedBlock::GasLimit { .. })),
        ("state root", |b| b.header.state_root = B256::ZERO, |r| matches!(r, RejectedBlock::Root { field: "state root", .. })),
        ("receipts root", |b| b.header.receipts_root = B256::ZERO, |r| matches!(r, RejectedBlock::Root { field: "receipts root", .. })),
        ("bloom", |b| b.header.logs_bloom = Bloom::ZERO, |r| matches!(r, RejectedBlock::Bloom)),
        ("ommers hash", |b| b.header.ommers_hash = B256::ZERO, |r| matches!(r, RejectedBlock::Root { field: "ommers hash", .. })),
        ("gas used", |b| b.header.gas_used -= 1, |r| matches!(r, RejectedBlock::Value { field: "gas used", .. })),
    ];
    let unsealed: [(&str, Mutation, Expected); 2] = [
        ("mix", |b| b.header.mix_hash = B256::ZERO, |r| matches!(r, RejectedBlock::Mix { .. })),
        ("nonce", |b| b.header.nonce = B64::repeat_byte(0xff), |r| matches!(r, RejectedBlock::Mix { .. })),
    ];
    let with_seal = |(name, mutate, expected)| (name, mutate, expected, true);
    let without = |(name, mutate, expected)| (name, mutate, expected, false);
    for (name, mutate, expected, seal) in sealed.map(with_seal).into_iter().chain(unsealed.map(without)) {
        let mut bad = good.clone();
        mutate(&mut bad);
        if seal {
            reseal(&node, &mut bad);
        }
        match node.backend.import(bad, ImportOptions::default()) {
            Err(NodeError::Block { reason, .. }) => assert!(expected(&reason), "{name}: {reason}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    let weak = {
        // A true hash of the block that is above the boundary.
        let mut weak = good.clone();
        let sealer = node.backend.chain().sealer();
        let limit = medrec_node::seal::boundary(weak.header.difficulty);
        let hash = seal_hash(&weak.header);
        let (nonce, mix) = (0_u64..)
            .map(|nonce| (B64::from(nonce), sealer.hash(3, hash, B64::from(nonce)).unwrap()))
            .find(|(_, (_, result))| U256::from_be_bytes(result.0) > limit)
            .map(|(nonce, (mix, _))| (nonce, mix))
            .unwrap();
        (weak.header.nonce, weak.header.mix_hash) = (nonce, mix);
        node.backend.import(weak, ImportOptions::default())
    };
    assert!(matches!(weak, Err(NodeError::Block { reason, .. }) if matches!(*reason, RejectedBlock::ProofOfWork { .. })));
    assert!(matches!(node.backend.import(good.clone(), ImportOptions::default()), Ok(Imported::Head(_))));
}
