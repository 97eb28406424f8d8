//! A real chain and real miners.

use std::collections::BTreeMap;

use medrec_miner::{Miner, MinerEvent};

use crate::support::{ANYWHERE, PATIENCE, RunningNode, accepted, event, folder, options, somebody};

#[tokio::test(flavor = "multi_thread")]
async fn two_miners_with_different_coinbases_mine_one_chain_and_each_owns_what_it_solved() {
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(0xee), 400).await;
    let mut miners = Vec::new();
    for byte in [1, 2] {
        let mut options = options(&[&node.url]);
        options.coinbase = Some(somebody(byte));
        miners.push(Miner::start(options).await.unwrap());
    }
    let started = std::time::Instant::now();
    while node.head() < 40 {
        assert!(started.elapsed() < PATIENCE, "block {}", node.head());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut claimed = BTreeMap::new();
    for (miner, byte) in miners.into_iter().zip([1, 2]) {
        let (all, later) = (miner.accepted_blocks(0), miner.accepted_blocks(1));
        assert!(later.starts_with(&all[1..]));
        let (last, blocks) = miner.stop_with_blocks().await;
        assert!(blocks.starts_with(&all));
        let solutions = last.solutions;
        assert_eq!(solutions.found, solutions.accepted + solutions.rejected + solutions.stale);
        assert_eq!((solutions.wrong, solutions.pending), (0, 0));
        assert!(last.hashes > solutions.found && last.average_hashrate_hps > 0, "{last:?}");
        for block in blocks {
            assert_eq!(block.coinbase, Some(somebody(byte)));
            let nonce_and_seal = (block.nonce, block.seal_hash);
            assert!(claimed.insert(nonce_and_seal, block).is_none(), "no block was submitted twice");
        }
    }
    // Every canonical block pays whoever reported it, and nobody else.
    let reader = node.backend.chain().reader().unwrap();
    let mut shares = BTreeMap::new();
    for number in 1..=40 {
        let header = reader.canonical_block(number).unwrap().unwrap().block.header.clone();
        let seal_hash = medrec_node::seal::seal_hash(&header);
        let claim = &claimed[&(header.nonce, seal_hash)];
        assert_eq!(
            (claim.number, claim.coinbase, claim.mix_hash),
            (Some(number), Some(header.beneficiary), header.mix_hash)
        );
        *shares.entry(header.beneficiary).or_insert(0) += 1;
    }
    drop(reader);
    // With equal hashrates 40 blocks go to one of two with a chance of 2^-39.
    assert_eq!(shares.len(), 2, "{shares:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_without_a_coinbase_pays_the_nodes_own_and_stops_at_its_limit() {
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(0xee), 50).await;
    let mut options = options(&[&node.url]);
    options.block_limit = Some(7);
    options.threads = 3;
    let miner = Miner::start(options).await.unwrap();
    tokio::time::timeout(PATIENCE, miner.finished()).await.unwrap();
    let last = miner.stop().await;
    assert_eq!(last.solutions.accepted, 7, "{last:?}");
    assert!((1..=7).contains(&node.head()));
    assert_eq!(node.backend.chain().head().block.header.beneficiary, somebody(0xee));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_and_started_again_gets_its_blocks_from_the_same_miner() {
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(3), 100).await;
    let (url, address) = (node.url.clone(), node.address.to_string());
    let miner = Miner::start(options(&[&url])).await.unwrap();
    accepted(&miner, 5).await;
    let mut events = miner.events();
    node.stop().await;
    event(&mut events, |event| matches!(event, MinerEvent::NodeFailed { .. }).then_some(())).await;
    let node = RunningNode::start(folder.path(), &address, somebody(3), 100).await;
    let (head, before) = (node.head(), miner.statistics().solutions.accepted);
    assert!(head >= 5, "what was acknowledged is there");
    event(&mut events, |event| matches!(event, MinerEvent::NodeRecovered { .. }).then_some(())).await;
    accepted(&miner, before + 5).await;
    let last = miner.stop().await;
    assert!(node.head() >= head + 5, "{last:?}");
    assert_eq!((last.solutions.wrong, last.solutions.pending), (0, 0));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_that_is_dropped_and_started_again_goes_on() {
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(3), 100).await;
    for round in 1..=3 {
        let miner = Miner::start(options(&[&node.url])).await.unwrap();
        accepted(&miner, 3).await;
        drop(miner);
        assert!(node.head() >= round * 2, "{}", node.head());
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_hears_the_hashrate_as_a_compact_quantity() {
    let folder = folder();
    // Too difficult to be solved by light hashing.
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(3), u64::MAX).await;
    let miner = Miner::start(options(&[&node.url])).await.unwrap();
    let started = std::time::Instant::now();
    let reported = loop {
        let rate = node.backend.board().hashrate_hps();
        if rate > 0 {
            break rate;
        }
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let own = miner.statistics().hashrate_hps;
    assert!(reported > own / 20 && reported < own.saturating_mul(20), "{reported} and {own}");
    miner.stop().await;
    node.stop().await;
}
