//! A node that answers promptly and stands still: left while another one of its chain goes on, and come back to.
//!
//! It is a real node behind a door that goes on giving the work of a moment when it is shut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use medrec_miner::{Miner, MinerEvent, MinerHandle, MinerOptions};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::support::{
    ANYWHERE, PATIENCE, Passage, Peer, RunningNode, accepted, event, folder, options, result, somebody,
};

/// The work that a door keeps giving; `None` lets everything through.
type Frozen = Arc<Mutex<Option<Value>>>;

async fn door(node: &RunningNode) -> (Peer, Frozen) {
    let frozen = Frozen::default();
    let kept = Arc::clone(&frozen);
    let peer = Peer::door(node.address, move |body| match &*kept.lock() {
        Some(work) if body.contains("eth_getWork") => Passage::Answer(result(body, work)),
        _ => Passage::Through,
    })
    .await;
    (peer, frozen)
}

fn freeze(frozen: &Frozen, node: &RunningNode) {
    *frozen.lock() = Some(json!(node.backend.work(None).unwrap().strings()));
}

fn comparing(nodes: &[&str]) -> MinerOptions {
    let mut options = options(nodes);
    options.compare_every = Duration::from_millis(100);
    options
}

async fn chosen(events: &mut broadcast::Receiver<MinerEvent>) -> String {
    event(events, |event| match event {
        MinerEvent::NodeChosen { node } => Some(node),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stands_still_is_left_for_one_that_goes_on_and_used_again_when_it_has_caught_up() {
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(1), 60).await;
    let (door, frozen) = door(&node).await;
    let miner = Miner::start(comparing(&[&door.url, &node.url])).await.unwrap();
    let mut events = miner.events();
    let mut heard = miner.events();
    // The network goes on whatever the first miner does.
    let network = Miner::start(options(&[&node.url])).await.unwrap();
    assert_eq!(chosen(&mut events).await, door.url);
    accepted(&miner, 2).await;

    freeze(&frozen, &node);
    let stood = node.head() + 1;
    let (number, other, other_number) = event(&mut events, |event| match event {
        MinerEvent::NodeBehind { node, number, other, other_number } if node == door.url => {
            Some((number, other, other_number))
        }
        _ => None,
    })
    .await;
    assert!(number <= stood && other_number >= number + 3, "{number} {stood} {other_number}");
    assert_eq!(other, node.url);
    assert_eq!(chosen(&mut events).await, node.url);
    let before = miner.statistics();
    assert!(before.nodes[0].is_behind && before.nodes[0].is_healthy == Some(true), "{before:?}");
    accepted(&miner, before.solutions.accepted + 2).await;

    *frozen.lock() = None;
    event(&mut events, |event| matches!(event, MinerEvent::NodeCaughtUp { .. }).then_some(())).await;
    assert_eq!(chosen(&mut events).await, door.url);
    let before = miner.statistics();
    assert!(!before.nodes[0].is_behind);
    accepted(&miner, before.solutions.accepted + 2).await;
    let last = miner.stop().await;
    assert!(last.nodes[0].is_in_use, "{last:?}");
    network.stop().await;
    let mut told = 0;
    loop {
        match heard.try_recv() {
            Ok(event) => told += u32::from(matches!(event, MinerEvent::NodeBehind { .. })),
            Err(broadcast::error::TryRecvError::Lagged(_)) => {}
            Err(_) => break,
        }
    }
    assert_eq!(told, 1, "it is told once");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_chain_is_no_reason_to_leave_one_that_stands_still() {
    let (folder, folder_other) = (folder(), folder());
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(1), 60).await;
    // Another difficulty makes another block 0.
    let other = RunningNode::start(folder_other.path(), ANYWHERE, somebody(2), 61).await;
    let (door, frozen) = door(&node).await;
    freeze(&frozen, &node);
    let miner = Miner::start(comparing(&[&door.url, &other.url])).await.unwrap();
    let network = Miner::start(options(&[&other.url])).await.unwrap();
    let started = Instant::now();
    while other.head() < 8 || started.elapsed() < Duration::from_secs(2) {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let nodes = miner.stop().await.nodes;
    assert!(nodes[0].is_in_use && !nodes[0].is_behind && nodes[1].answers == 0, "{nodes:?}");
    network.stop().await;
    node.stop().await;
    other.stop().await;
}

/// A peer of one chain that gives work for `number`, which nothing solves; broken while it is told to be.
async fn scripted(number: Arc<AtomicU64>, is_broken: Arc<AtomicBool>) -> Peer {
    Peer::answering(move |body| {
        if is_broken.load(Ordering::Relaxed) {
            return "broken".to_owned();
        }
        let request: Value = serde_json::from_str(body).unwrap();
        let (zeros, number) = ("0".repeat(63), number.load(Ordering::Relaxed));
        let answer = match request["method"].as_str().unwrap() {
            "eth_chainId" => json!("0x539"),
            "eth_getBlockByNumber" => json!({ "hash": format!("0x{zeros}7") }),
            "eth_getWork" => json!([
                format!("0x{number:064x}"),
                format!("0x{zeros}0"),
                format!("0x{zeros}1"),
                format!("{number:#x}")
            ]),
            _ => json!(true),
        };
        result(body, &answer)
    })
    .await
}

async fn works_for(miner: &MinerHandle, url: &str) {
    let started = Instant::now();
    while miner.statistics().work.is_none_or(|work| work.node != url) {
        assert!(started.elapsed() < PATIENCE, "{:?}", miner.statistics());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stands_still_is_better_than_none() {
    let numbers = [Arc::new(AtomicU64::new(10)), Arc::new(AtomicU64::new(10))];
    let is_broken = Arc::new(AtomicBool::new(false));
    let still = scripted(Arc::clone(&numbers[0]), Arc::default()).await;
    let moving = scripted(Arc::clone(&numbers[1]), Arc::clone(&is_broken)).await;
    let miner = Miner::start(comparing(&[&still.url, &moving.url])).await.unwrap();
    works_for(&miner, &still.url).await;
    let network = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            numbers[1].fetch_add(1, Ordering::Relaxed);
        }
    });
    works_for(&miner, &moving.url).await;
    is_broken.store(true, Ordering::Relaxed);
    works_for(&miner, &still.url).await;
    is_broken.store(false, Ordering::Relaxed);
    works_for(&miner, &moving.url).await;
    network.abort();
    miner.stop().await;
}
