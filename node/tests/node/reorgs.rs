//! Fork choice, ommers, and what happens to transactions when the chain changes its mind.

use crate::support::{MINER, Sender, TestNode, spec};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use medrec_node::chain::{ImportOptions, Imported};
use medrec_node::{NodeError, RejectedBlock};

const RECEIVER: Address = Address::repeat_byte(0xbb);

#[test]
fn the_heavier_chain_wins_and_orphaned_transactions_wait_again() {
    let node = TestNode::new(spec(4));
    let mut sender = Sender::number(0);
    let genesis = node.head();
    let (kept, orphaned) = (
        sender.dynamic(TxKind::Call(RECEIVER), 1, Bytes::new()),
        sender.dynamic(TxKind::Call(RECEIVER), 2, Bytes::new()),
    );
    node.submit(&kept);
    node.submit(&orphaned);
    let loser = node.mine();
    assert_eq!(node.balance(RECEIVER), U256::from(3));
    assert_eq!(node.backend.with_pool(medrec_node::pool::Pool::counts), (0, 0));

    let (first, imported) = node.mine_on(&genesis, 1, vec![kept.clone()]);
    assert!(matches!(imported, Imported::SideChain), "a tie keeps the first seen");
    assert_eq!(node.head().hash, loser.hash);
    let (_, imported) = node.mine_on(&node.stored(&first), 1, vec![]);
    let Imported::Head(change) = imported else { panic!("{imported:?}") };
    assert_eq!((change.reverted.len(), change.enacted.len()), (1, 2));
    assert_eq!(node.balance(RECEIVER), U256::from(1));
    let reader = node.backend.chain().reader().unwrap();
    assert_eq!(reader.transaction_place(*kept.tx_hash()).unwrap(), Some((1, 0)));
    assert_eq!(reader.transaction_place(*orphaned.tx_hash()).unwrap(), None);
    assert!(node.backend.with_pool(|pool| pool.transaction(*orphaned.tx_hash())).is_some());
    assert!(node.backend.with_pool(|pool| pool.transaction(*kept.tx_hash())).is_none());

    // The orphan is mined again, and a restart in between does not lose it.
    drop(reader);
    let folder = std::sync::Arc::clone(&node.folder);
    drop(node);
    let node = TestNode::reopen(spec(4), folder);
    assert_eq!(node.backend.with_pool(medrec_node::pool::Pool::counts), (1, 0));
    node.mine();
    assert_eq!(node.balance(RECEIVER), U256::from(3));
}

#[test]
fn a_side_block_becomes_an_ommer_and_both_miners_are_paid() {
    let node = TestNode::new(spec(4));
    let genesis = node.head();
    node.mine();
    node.mine_on(&genesis, 7, vec![]);
    let nephew = node.mine();
    assert_eq!(nephew.block.body.ommers.len(), 1);
    let ether = U256::from(1_000_000_000_000_000_000_u128);
    assert_eq!(node.balance(Address::repeat_byte(7)), ether * U256::from(7) / U256::from(4));
    assert_eq!(node.balance(MINER), ether * U256::from(4) + ether / U256::from(16));
    assert!(node.mine().block.body.ommers.is_empty(), "an ommer is included once");
}

#[test]
fn ommers_that_break_a_rule_are_refused() {
    let node = TestNode::new(spec(4));
    let genesis = node.head();
    let first = node.mine();
    let (side, _) = node.mine_on(&genesis, 7, vec![]);
    let nephew = node.mine();
    let import = |ommers: Vec<medrec_node::Header>| {
        let mut block = nephew.block.clone();
        block.header.ommers_hash = alloy_consensus::proofs::calculate_ommers_root(&ommers);
        block.header.extra_data = Bytes::from_static(b"other");
        block.body.ommers = ommers;
        // Seals are not looked at, so that the ommer rule is what refuses.
        let options = ImportOptions { check_seal: false, durable: true };
        match node.backend.import(block, options) {
            Err(NodeError::Block { reason, .. }) => match *reason {
                RejectedBlock::Ommer { why, .. } => why,
                other => other.to_string(),
            },
            other => format!("{other:?}"),
        }
    };
    let side = side.header;
    let mut broken = side.clone();
    broken.gas_limit *= 2;
    let mut stranger = side.clone();
    stranger.parent_hash = alloy_primitives::B256::ZERO;
    let mut sibling = side.clone();
    sibling.parent_hash = first.hash;
    assert!(import(vec![side.clone(), side.clone()]).contains("included already"));
    assert!(import(vec![first.block.header.clone()]).contains("ancestor"));
    assert!(import(vec![broken]).contains("gas limit"));
    assert!(import(vec![stranger]).contains("no parent"));
    assert!(import(vec![sibling]).contains("sibling"));
    assert!(import(vec![side.clone(), side.clone(), side]).contains("at most 2"));
}

#[test]
fn stale_solutions_become_side_blocks_and_ancient_ones_are_refused() {
    use medrec_node::work::light;
    use std::sync::atomic::AtomicBool;
    let node = TestNode::new(spec(4));
    let old = node.backend.candidate(Address::repeat_byte(9)).unwrap();
    let sealer = node.backend.chain().sealer();
    let (nonce, mix) = light::seal(sealer, &old, 1, &AtomicBool::new(false)).unwrap().unwrap();
    for _ in 0..3 {
        node.mine();
    }
    let wrong = alloy_primitives::B256::ZERO;
    assert!(!node.backend.submit_work(nonce, old.seal_hash, wrong).unwrap(), "a wrong mix");
    assert!(!node.backend.submit_work(nonce, wrong, mix).unwrap(), "an unknown work");
    assert!(node.backend.submit_work(nonce, old.seal_hash, mix).unwrap(), "three blocks late");
    assert_eq!(node.head().number(), 3, "a late block does not change the head");
    assert!(node.backend.submit_work(nonce, old.seal_hash, mix).unwrap(), "twice is harmless");
    for _ in 0..5 {
        node.mine();
    }
    assert!(!node.backend.submit_work(nonce, old.seal_hash, mix).unwrap(), "too old");
}
