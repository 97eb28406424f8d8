//! Peers that lie, break off, say nothing or never stop: each is an error with words, and the honest node is mined for.

use std::time::{Duration, Instant};

use medrec_miner::{Miner, MinerEvent};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::support::{
    ANYWHERE, Peer, RunningNode, accepted, event, folder, options, request, result, somebody,
};

/// Mines at `peer` with an honest node behind it; what is said about the peer.
async fn beside_an_honest_node(peer: &Peer) -> String {
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(1), 100).await;
    let miner = Miner::start(options(&[&peer.url, &node.url])).await.unwrap();
    let mut events = miner.events();
    let url = peer.url.clone();
    let why = event(&mut events, |event| match event {
        MinerEvent::NodeFailed { node, why } if node == url => Some(why),
        _ => None,
    })
    .await;
    accepted(&miner, 3).await;
    let last = miner.stop().await;
    assert_eq!(last.nodes[0].answers, 0, "{last:?}");
    assert!(node.head() >= 2);
    node.stop().await;
    why
}

#[tokio::test(flavor = "multi_thread")]
async fn senseless_works_are_refused_with_words() {
    let (zero, ones) = (format!("0x{}", "0".repeat(64)), format!("0x{}", "1".repeat(64)));
    for (work, says) in [
        (json!([ones, zero, zero, "0x1"]), "boundary is zero"),
        (json!([ones, ones, ones, "0x1"]), "not that of block 1"),
        (json!(["0x12", zero, ones, "0x1"]), "seal hash is 32 bytes"),
        (json!([ones, zero, ones, "0xffffffffffffffff"]), "too late"),
        (json!("soon"), "array of four strings"),
    ] {
        let peer = Peer::answering(move |body| result(body, &work)).await;
        let why = beside_an_honest_node(&peer).await;
        assert!(why.contains(says), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_no_answers_are_refused_with_words() {
    for (answer, says) in [
        ("<html>", "no JSON"),
        ("{\"id\":999999,\"result\":true}", "another request"),
        ("{\"error\":{\"code\":-32000,\"message\":\"no mining work available yet\"}}", "no mining work"),
    ] {
        let peer = Peer::answering(move |_| answer.to_owned()).await;
        let why = beside_an_honest_node(&peer).await;
        assert!(why.contains(says), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_peer_and_a_body_that_never_ends_cost_a_time_out_and_no_memory() {
    let silent = Peer::start(|mut stream| async move {
        request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let why = beside_an_honest_node(&silent).await;
    assert!(why.contains("no answer within 2s"), "{why}");

    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let endless = Peer::start(move |mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(head.as_bytes()).await;
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(4_096));
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    })
    .await;
    let why = beside_an_honest_node(&endless).await;
    assert!(why.contains("longer than 65536 bytes"), "{why}");

    let dripping = Peer::start(move |mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(b"1\r\n \r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let why = beside_an_honest_node(&dripping).await;
    assert!(why.contains("no answer within 2s"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_nodes_are_not_asked_in_a_busy_loop() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let peer = {
        let asked = std::sync::Arc::clone(&asked);
        Peer::start(move |stream| {
            asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            async move { drop(stream) }
        })
        .await
    };
    let started = Instant::now();
    let miner = Miner::start(options(&[&peer.url])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    miner.stop().await;
    // Pauses of at least 0.125, 0.25, 0.5 … s; hyper tries a broken connection twice.
    let bound = 2 * (started.elapsed().as_secs() / 2 + 6);
    let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
    assert!((2..=bound).contains(&asked), "{asked} connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_solution_is_counted_and_the_work_is_searched_again() {
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(1), 20).await;
    let work = json!(node.backend.work(None).unwrap().strings());
    let peer = Peer::answering(move |body| {
        if body.contains("eth_getWork") { result(body, &work) } else { result(body, &json!(false)) }
    })
    .await;
    let miner = Miner::start(options(&[&peer.url])).await.unwrap();
    let mut events = miner.events();
    let mut nonces = Vec::new();
    for _ in 0..2 {
        nonces.push(
            event(&mut events, |event| match event {
                MinerEvent::Rejected { nonce, .. } => Some(nonce),
                _ => None,
            })
            .await,
        );
    }
    assert_ne!(nonces[0], nonces[1], "no solution is brought twice");
    let last = miner.stop().await;
    assert_eq!((last.solutions.accepted, last.solutions.wrong), (0, 0));
    assert!(last.solutions.rejected >= 2);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solution_that_nobody_takes_is_stale_when_the_chain_has_left_it_behind() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    let number = Arc::new(AtomicU64::new(1));
    let is_easy = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let peer = {
        let (number, is_easy) = (Arc::clone(&number), Arc::clone(&is_easy));
        Peer::answering(move |body| {
            if !body.contains("eth_getWork") {
                return "broken".to_owned();
            }
            let number = number.load(Ordering::Relaxed);
            let boundary = if is_easy.swap(false, Ordering::Relaxed) { "f" } else { "0" };
            let boundary = format!("0x{}1", boundary.repeat(63));
            result(
                body,
                &json!([
                    format!("0x{number:064x}"),
                    format!("0x{}", "0".repeat(64)),
                    boundary,
                    format!("{number:#x}")
                ]),
            )
        })
        .await
    };
    let miner = Miner::start(options(&[&peer.url])).await.unwrap();
    let mut events = miner.events();
    event(&mut events, |event| matches!(event, MinerEvent::Found { .. }).then_some(())).await;
    // The head is block 7: a solution of block 1 still counts.
    number.store(8, Ordering::Relaxed);
    event(&mut events, |event| matches!(event, MinerEvent::NewWork { number: Some(8), .. }).then_some(()))
        .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(miner.statistics().solutions.pending, 1);
    number.store(9, Ordering::Relaxed);
    let stale = event(&mut events, |event| match event {
        MinerEvent::Stale { number, .. } => Some(number),
        _ => None,
    })
    .await;
    assert_eq!(stale, Some(1));
    let last = miner.stop().await;
    assert_eq!((last.solutions.found, last.solutions.stale, last.solutions.pending), (1, 1, 0));
}
