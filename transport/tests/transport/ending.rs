//! The end of a port.

use std::time::{Duration, Instant};

use super::peer::{ALICE, HELLO, MALLORY, Peer, Port, WORK, limits, settle};

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_work_is_answered_and_nobody_else_is_waited_for() {
    let long = Duration::from_mins(1);
    let limits = medrec_transport::ConnectionLimits { head: long, body: long, idle: long, ..limits() };
    let port = Port::open(limits).await;
    let mut working = Peer::connect(ALICE, &port).await;
    working.send(WORK).await;
    let mut idle = Peer::connect(ALICE, &port).await;
    assert!(idle.ask(HELLO).await.ends_with("hello"));
    let mut silent = Peer::connect(MALLORY, &port).await;
    let mut slow = Peer::connect(MALLORY, &port).await;
    slow.send("GET /hello HT").await;
    settle().await;
    let (address, work) = (port.address, std::sync::Arc::clone(&port.work));
    let ended = port.end();
    let started = Instant::now();
    for peer in [&mut idle, &mut silent, &mut slow] {
        peer.closed().await;
    }
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(!ended.is_finished(), "somebody still works");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody new is taken in");
    work.add_permits(1);
    assert!(working.answer().await.ends_with("done"));
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("it ends").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_without_clients_ends_at_once() {
    let ended = Port::open(limits()).await.end();
    tokio::time::timeout(Duration::from_secs(2), ended).await.expect("it ends").unwrap();
}
