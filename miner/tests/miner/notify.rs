//! Notifications of new work, and the monitoring API.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use medrec_miner::{Miner, MinerEvent};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{ANYWHERE, Peer, RunningNode, accepted, event, folder, options, somebody};

/// One request over a connection of its own: the head and the body of the answer.
async fn http(address: std::net::SocketAddr, method: &str, path: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// A work for block `number` that nothing solves.
fn work(number: u64) -> Value {
    let zeros = "0".repeat(63);
    json!([format!("0x{number:064x}"), format!("0x{zeros}0"), format!("0x{zeros}1"), format!("{number:#x}")])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_notifies_is_asked_at_once_and_polled_rarely() {
    let (number, polls) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicU64::new(0)));
    let node = {
        let (number, polls) = (Arc::clone(&number), Arc::clone(&polls));
        Peer::answering(move |body| {
            let request: Value = serde_json::from_str(body).unwrap();
            if request["method"] == "eth_getWork" {
                polls.fetch_add(1, Ordering::Relaxed);
            }
            let work = work(number.load(Ordering::Relaxed));
            json!({ "jsonrpc": "2.0", "id": request["id"], "result": work }).to_string()
        })
        .await
    };
    let mut options = options(&[&node.url]);
    options.notify_listen = Some(ANYWHERE.parse().unwrap());
    let miner = Miner::start(options).await.unwrap();
    let address = miner.notify_address().unwrap();
    let mut events = miner.events();
    let mut came = async |wanted| {
        event(&mut events, |event| match event {
            MinerEvent::NewWork { number, .. } if number == Some(wanted) => Some(()),
            _ => None,
        })
        .await;
    };
    came(1).await;
    // The node confirms a notification: from now on notifications set the pace.
    number.store(2, Ordering::Relaxed);
    let (head, _) = http(address, "POST", "/", &work(2).to_string()).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    came(2).await;
    let (started, before) = (Instant::now(), polls.load(Ordering::Relaxed));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let idle = polls.load(Ordering::Relaxed) - before;
    assert!(idle <= 2 + started.elapsed().as_secs() / 2, "{idle} polls");
    let started = Instant::now();
    for next in 3..=10 {
        number.store(next, Ordering::Relaxed);
        http(address, "POST", "/any/path", &work(next).to_string()).await;
        came(next).await;
    }
    assert!(
        started.elapsed() < Duration::from_secs(12),
        "eight polls alone take 16 s: {:?}",
        started.elapsed()
    );

    // What is no work is refused; one that the node does not confirm is not worked on.
    let works = miner.statistics().works;
    for (method, body, status) in [
        ("POST", "[1,2,3]".to_owned(), "400"),
        ("POST", " ".repeat(5_000), "413"),
        ("GET", String::new(), "405"),
        ("POST", work(77).to_string(), "200"),
    ] {
        let (head, _) = http(address, method, "/", &body).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    }
    let polled = polls.load(Ordering::Relaxed);
    while polls.load(Ordering::Relaxed) < polled + 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(miner.statistics().works, works, "work comes from the node alone");
    miner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_of_a_real_node_lead_to_every_block() {
    let folder = folder();
    let address = std::net::TcpListener::bind(ANYWHERE).unwrap().local_addr().unwrap();
    let notify = vec![format!("http://{address}/")];
    let node = RunningNode::notifying(folder.path(), ANYWHERE, somebody(1), 100, notify).await;
    let mut options = options(&[&node.url]);
    options.notify_listen = Some(address);
    options.coinbase = Some(somebody(7));
    let miner = Miner::start(options).await.unwrap();
    accepted(&miner, 10).await;
    miner.stop().await;
    assert_eq!(node.backend.chain().head().block.header.beneficiary, somebody(7));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monitoring_api_tells_what_the_statistics_tell_and_changes_nothing() {
    let folder = folder();
    let node = RunningNode::start(folder.path(), ANYWHERE, somebody(1), 100).await;
    let mut options = options(&[&node.url]);
    options.api = Some(ANYWHERE.parse().unwrap());
    options.block_limit = Some(4);
    let miner = Miner::start(options).await.unwrap();
    let api = miner.api_address().unwrap();
    accepted(&miner, 2).await;
    let (head, body) = http(api, "GET", "/status", "").await;
    assert!(head.contains("application/json"), "{head}");
    let status: Value = serde_json::from_str(&body).unwrap();
    assert!(status["solutions"]["accepted"].as_u64().unwrap() >= 2, "{status}");
    assert_eq!(status["nodes"][0]["node"], json!(node.url));
    assert_eq!(status["devices"][0]["device"], "cpu");
    let (_, metrics) = http(api, "GET", "/metrics", "").await;
    assert!(metrics.contains("\nmedrec_miner_solutions_total{outcome=\"accepted\"} "), "{metrics}");
    assert!(metrics.contains(&format!("medrec_miner_node_up{{node=\"{}\"}} 1\n", node.url)), "{metrics}");
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<u64>().is_ok(), "{line}");
    }
    let (head, _) = http(api, "POST", "/status", "").await;
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    let (head, _) = http(api, "GET", "/", "").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    miner.stop().await;
    node.stop().await;
}
