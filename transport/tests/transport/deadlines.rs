//! Clients that take too long to send or to take.

use std::time::{Duration, Instant};

use medrec_transport::ConnectionLimits;

use super::peer::{ALICE, HELLO, LARGE, MALLORY, Peer, Port, WORK, is_served, limits, settle};

/// Sends `text` byte by byte until the server closes; how long that took, `None` if it never did.
async fn drip(peer: &mut Peer, text: &str) -> Option<Duration> {
    let started = Instant::now();
    for at in 0..text.len() {
        if !peer.try_send(&text[at..=at]).await {
            return Some(started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_headers_end_at_their_deadline_and_others_are_served_meanwhile() {
    let port = Port::open(limits()).await;
    let mut slow = Peer::connect(MALLORY, &port).await;
    let head = format!("GET /hello HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(200));
    let (dripped, is_alice_served) = tokio::join!(drip(&mut slow, &head), is_served(ALICE, &port));
    assert!(dripped.expect("the server closes") < Duration::from_secs(2));
    assert!(is_alice_served);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_ends_at_its_deadline() {
    let port = Port::open(limits()).await;
    let mut slow = Peer::connect(MALLORY, &port).await;
    slow.send("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 200\r\n\r\n").await;
    assert!(drip(&mut slow, &"y".repeat(200)).await.expect("the server closes") < Duration::from_secs(2));
    let mut other = Peer::connect(ALICE, &port).await;
    let whole = other.ask("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc").await;
    assert!(whole.ends_with("\r\n\r\n3"), "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_many_requests_and_ends_when_it_is_idle_for_long() {
    let port = Port::open(limits()).await;
    let mut peer = Peer::connect(ALICE, &port).await;
    for _ in 0..3 {
        assert!(peer.ask(HELLO).await.ends_with("hello"));
        // Longer in all than any one deadline.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let after = peer.closed().await;
    assert!(after < Duration::from_secs(2), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_may_take_longer_than_every_deadline_of_the_client() {
    let port = Port::open(limits()).await;
    let mut peer = Peer::connect(ALICE, &port).await;
    peer.send(WORK).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    port.work.add_permits(1);
    assert!(peer.answer().await.ends_with("done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_take_its_answer_gives_its_place_back() {
    let port = Port::open(ConnectionLimits { most: 1, per_client: 1, ..limits() }).await;
    let mut deaf = Peer::connect(MALLORY, &port).await;
    deaf.send(LARGE).await;
    settle().await;
    let started = Instant::now();
    assert!(is_served(ALICE, &port).await);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_beyond_64_kib_is_refused() {
    let port = Port::open(limits()).await;
    let mut peer = Peer::connect(MALLORY, &port).await;
    let answer = peer.ask(&format!("GET /hello HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(70 << 10))).await;
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
    assert!(is_served(ALICE, &port).await);
}
