//! Blocks with every kind of transaction: what one node builds another accepts, and whatever is
//! changed in them is refused.

use crate::mutations::mutants;
use crate::support::{CONTRACT, MINER, Sender, TestNode, spec};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use medrec_node::chain::{ImportOptions, Imported};
use medrec_node::{Block, NodeError, RejectedBlock, blockfile};
use std::ops::ControlFlow;

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
    let statuses: Vec<bool> = third.receipts.iter().map(alloy_consensus::TxReceipt::status).collect();
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
    assert_eq!(
        blockfile::export(&node.backend, &file, 0..=u64::MAX, |_| ControlFlow::Continue(())).unwrap(),
        5
    );
    let other = TestNode::new(spec(8));
    let summary =
        blockfile::import(&other.backend, &file, ImportOptions::default(), |_| ControlFlow::Continue(()))
            .unwrap();
    assert_eq!((summary.blocks, summary.known), (4, 0));
    assert_eq!(other.head().hash, node.head().hash);
    let again =
        blockfile::import(&other.backend, &file, ImportOptions::default(), |_| ControlFlow::Continue(()))
            .unwrap();
    assert_eq!(again.known, 4);
    let stranger = TestNode::new(spec(9));
    let refused =
        blockfile::import(&stranger.backend, &file, ImportOptions::default(), |_| ControlFlow::Continue(()));
    assert!(matches!(refused, Err(NodeError::OtherChain { .. })));
}

#[test]
fn a_truncated_block_file_says_where_and_keeps_what_came_before() {
    let node = busy_chain();
    let file = node.folder.path().join("blocks.rlp");
    blockfile::export(&node.backend, &file, 1..=4, |_| ControlFlow::Continue(())).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let other = TestNode::new(spec(8));
    let refused =
        blockfile::import(&other.backend, &file, ImportOptions::default(), |_| ControlFlow::Continue(()));
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

#[test]
fn every_mutation_of_a_block_is_refused_for_its_own_reason() {
    let source = busy_chain();
    let file = source.folder.path().join("blocks.rlp");
    blockfile::export(&source.backend, &file, 1..=3, |_| ControlFlow::Continue(())).unwrap();
    let blocks: Vec<Block> = blockfile::BlockFile::open(&file).unwrap().collect::<Result<_, _>>().unwrap();
    let node = TestNode::new(spec(8));
    for block in &blocks[..2] {
        node.backend.import(block.clone(), ImportOptions::default()).unwrap();
    }
    for mutant in mutants(&blocks[2]) {
        mutant.assert_refused_by(&node);
    }
    let good = node.backend.import(blocks[2].clone(), ImportOptions::default());
    assert!(matches!(good, Ok(Imported::Head(_))));
}

#[test]
fn a_block_file_with_a_wrong_seal_is_refused_at_that_block() {
    let node = busy_chain();
    let file = node.folder.path().join("blocks.rlp");
    blockfile::export(&node.backend, &file, 1..=4, |_| ControlFlow::Continue(())).unwrap();
    let mut blocks: Vec<Block> =
        blockfile::BlockFile::open(&file).unwrap().collect::<Result<_, _>>().unwrap();
    blocks[2].header.mix_hash = blocks[1].header.mix_hash;
    let mut rlp = Vec::new();
    for block in &blocks {
        alloy_rlp::Encodable::encode(block, &mut rlp);
    }
    std::fs::write(&file, rlp).unwrap();
    let other = TestNode::new(spec(8));
    let refused =
        blockfile::import(&other.backend, &file, ImportOptions::default(), |_| ControlFlow::Continue(()));
    let Err(NodeError::Block { number: 3, reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(matches!(*reason, RejectedBlock::Mix { .. }), "{reason}");
    assert_eq!(other.head().number(), 2, "what came before is kept");
}
