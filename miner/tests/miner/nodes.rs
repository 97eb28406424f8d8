//! Several nodes: fail-over, the way back, and nodes that pay their own coinbase.

use medrec_miner::{Miner, MinerError, MinerEvent};
use serde_json::{Value, json};

use crate::support::{ANYWHERE, Passage, Peer, RunningNode, accepted, event, folder, options, somebody};

fn chosen(event: MinerEvent) -> Option<String> {
    match event {
        MinerEvent::NodeChosen { node } => Some(node),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_node_dies_the_next_one_is_used_and_the_first_one_again_when_it_is_back() {
    let (folder_one, folder_two) = (folder(), folder());
    let one = RunningNode::start(folder_one.path(), ANYWHERE, somebody(1), 100).await;
    let two = RunningNode::start(folder_two.path(), ANYWHERE, somebody(2), 100).await;
    let (url_one, url_two, address_one) = (one.url.clone(), two.url.clone(), one.address.to_string());
    let miner = Miner::start(options(&[&url_one, &url_two])).await.unwrap();
    let mut events = miner.events();
    accepted(&miner, 3).await;
    assert_eq!(two.head(), 0, "the first one is preferred");
    one.stop().await;
    while event(&mut events, chosen).await != url_two {}
    let before = miner.statistics().solutions.accepted;
    accepted(&miner, before + 3).await;
    assert!(two.head() >= 2);
    let one = RunningNode::start(folder_one.path(), &address_one, somebody(1), 100).await;
    while event(&mut events, chosen).await != url_one {}
    let (before, head) = (miner.statistics().solutions.accepted, one.head());
    accepted(&miner, before + 3).await;
    assert!(one.head() > head);
    let nodes = miner.statistics().nodes;
    assert!(nodes[0].is_in_use && nodes[0].failures > 0, "{nodes:?}");
    miner.stop().await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solution_found_while_the_node_is_away_is_brought_when_it_is_back() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    // A door in front of a real node, which can be shut for submissions.
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(1), 300).await;
    let (is_shut, refused) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let door = {
        let (is_shut, refused) = (Arc::clone(&is_shut), Arc::clone(&refused));
        Peer::door(node.address, move |body| {
            if body.contains("eth_submitWork") && is_shut.load(Ordering::Relaxed) {
                refused.fetch_add(1, Ordering::Relaxed);
                return Passage::Broken;
            }
            Passage::Through
        })
        .await
    };
    let miner = Miner::start(options(&[&door.url])).await.unwrap();
    let mut events = miner.events();
    let found = event(&mut events, |event| match event {
        MinerEvent::Found { seal_hash, nonce, .. } => Some((seal_hash, nonce)),
        _ => None,
    })
    .await;
    while refused.load(Ordering::Relaxed) < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(node.head(), 0);
    assert_eq!(miner.statistics().solutions.pending, 1);
    is_shut.store(false, Ordering::Relaxed);
    let block = event(&mut events, |event| match event {
        MinerEvent::Accepted(block) => Some(block),
        _ => None,
    })
    .await;
    assert_eq!((block.seal_hash, block.nonce, block.number), (found.0, found.1, Some(1)));
    miner.stop().await;
    assert!(node.head() >= 1);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_no_address_is_mined_for_and_says_whom_it_pays() {
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(9), 100).await;
    let work = node.backend.work(None).unwrap().strings();
    let geth = Peer::answering(move |body| {
        let request: Value = serde_json::from_str(body).unwrap();
        let arguments = request["params"].as_array().unwrap().len();
        let answer = match (request["method"].as_str().unwrap(), arguments) {
            ("eth_getWork", 0) => json!({ "result": work }),
            ("eth_getWork", _) => {
                json!({ "error": { "code": -32_602, "message": "too many arguments, want at most 0" } })
            }
            ("eth_coinbase", _) => json!({ "result": somebody(9) }),
            _ => json!({ "result": true }),
        };
        let mut answer = answer;
        (answer["jsonrpc"], answer["id"]) = (json!("2.0"), request["id"].clone());
        answer.to_string()
    })
    .await;
    let mut options = options(&[&geth.url]);
    options.coinbase = Some(somebody(1));
    let miner = Miner::start(options).await.unwrap();
    let mut events = miner.events();
    let mut refused = None;
    let block = event(&mut events, |event| match event {
        MinerEvent::CoinbaseRefused { pays, .. } => {
            refused = Some(pays);
            None
        }
        MinerEvent::Accepted(block) => Some(block),
        _ => None,
    })
    .await;
    assert_eq!(refused, Some(Some(somebody(9))));
    assert_eq!(block.coinbase, Some(somebody(9)), "a block belongs to whom it pays");
    miner.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused_before_anything_starts() {
    let refused = async |change: fn(&mut medrec_miner::MinerOptions)| {
        let mut options = options(&["http://127.0.0.1:1"]);
        change(&mut options);
        Miner::start(options).await.err().unwrap().to_string()
    };
    assert!(refused(|options| options.nodes.clear()).await.contains("none is named"));
    assert!(refused(|options| options.nodes.push("https://node".to_owned())).await.contains("tunnel"));
    assert!(refused(|options| options.threads = 0).await.contains("nothing to search with"));
    let taken = std::net::TcpListener::bind(ANYWHERE).unwrap();
    let mut options = options(&["http://127.0.0.1:1"]);
    options.api = Some(taken.local_addr().unwrap());
    assert!(matches!(Miner::start(options).await.err(), Some(MinerError::Listen { .. })));
}
