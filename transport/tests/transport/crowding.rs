//! More connections than there are places.

use std::time::Duration;

use medrec_transport::ConnectionLimits;

use super::peer::{ALICE, HELLO, MALLORY, Peer, Port, WORK, is_served, limits, settle};

/// Bounds on numbers alone: nothing ends by itself while a test runs.
fn patient(most: usize, per_client: usize) -> ConnectionLimits {
    let long = Duration::from_mins(1);
    ConnectionLimits { most, per_client, head: long, body: long, idle: long, stall: long }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_nothing_is_dropped_and_others_are_served_meanwhile() {
    let port = Port::open(limits()).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(Peer::connect(MALLORY, &port).await);
    }
    settle().await;
    assert!(silent.iter().all(Peer::is_open), "they are dropped for their silence, not for their number");
    assert!(is_served(ALICE, &port).await);
    for peer in &mut silent {
        assert!(peer.closed().await < Duration::from_secs(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_in_every_place_make_room_for_who_asks_the_oldest_first() {
    let port = Port::open(patient(4, 4)).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(Peer::connect(MALLORY, &port).await);
        settle().await;
    }
    assert!(is_served(ALICE, &port).await);
    silent[0].closed().await;
    assert!(silent[1..].iter().all(Peer::is_open));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_in_every_place_makes_room_too() {
    let port = Port::open(patient(4, 4)).await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut peer = Peer::connect(MALLORY, &port).await;
        peer.send("GET /hello HTTP/1.1\r\nhost:").await;
        slow.push(peer);
    }
    settle().await;
    assert!(is_served(ALICE, &port).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_has_no_more_than_its_share_and_others_are_served_meanwhile() {
    let port = Port::open(patient(8, 2)).await;
    let (mut first, mut second) = (Peer::connect(MALLORY, &port).await, Peer::connect(MALLORY, &port).await);
    first.send(WORK).await;
    second.send(WORK).await;
    settle().await;
    let refused = Peer::connect(MALLORY, &port).await.ask(HELLO).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("too many connections from your address"), "{refused}");
    assert!(is_served(ALICE, &port).await);
    port.work.add_permits(2);
    assert!(first.answer().await.ends_with("done") && second.answer().await.ends_with("done"));
    assert!(is_served(MALLORY, &port).await, "what was given back can be had again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_own_idle_connection_makes_room_for_its_next_one() {
    let port = Port::open(patient(8, 2)).await;
    let (mut first, mut second) = (Peer::connect(ALICE, &port).await, Peer::connect(ALICE, &port).await);
    assert!(first.ask(HELLO).await.ends_with("hello"));
    assert!(second.ask(HELLO).await.ends_with("hello"));
    let mut other = Peer::connect(MALLORY, &port).await;
    assert!(other.ask(HELLO).await.ends_with("hello"));
    settle().await;
    assert!(is_served(ALICE, &port).await);
    first.closed().await;
    assert!(second.is_open(), "the one that was used last stays");
    assert!(other.is_open(), "another client's stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_place_works_the_next_client_waits_and_loses_nothing() {
    let port = Port::open(patient(2, 2)).await;
    let (mut first, mut second) = (Peer::connect(MALLORY, &port).await, Peer::connect(MALLORY, &port).await);
    first.send(WORK).await;
    second.send(WORK).await;
    settle().await;
    let mut waiting = Peer::connect(ALICE, &port).await;
    waiting.send(HELLO).await;
    settle().await;
    assert!(waiting.is_open(), "no answer yet, and no refusal");
    port.work.add_permits(1);
    assert!(waiting.answer().await.ends_with("hello"));
    port.work.add_permits(1);
    for peer in [&mut first, &mut second] {
        assert!(peer.answer().await.ends_with("done"), "whoever worked was not cut");
    }
}
