//! Notifications of new work, and the monitoring API.

use std::time::Duration;

use medrec_miner::{Miner, MinerEvent};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{ANYWHERE, RunningNode, accepted, event, folder, options, somebody};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_notifies_is_asked_at_once_and_polled_rarely() {
    let folder = folder();
    // A free port, found by taking and leaving it.
    let address = std::net::TcpListener::bind(ANYWHERE).unwrap().local_addr().unwrap();
    let notify = vec![format!("http://{address}/")];
    // Too difficult to be solved here: new work comes from the test alone.
    let difficulty = u64::MAX;
    let node = RunningNode::notifying(folder.path(), ANYWHERE, somebody(1), difficulty, notify).await;
    let mut options = options(&[&node.url]);
    options.notify_listen = Some(address);
    let miner = Miner::start(options).await.unwrap();
    assert_eq!(miner.notify_address(), Some(address));
    let mut events = miner.events();
    event(&mut events, |event| matches!(event, MinerEvent::NewWork { .. }).then_some(())).await;

    // What is no work is refused; what is one makes the miner look, and no more.
    let (head, _) = http(address, "POST", "/", "[1,2,3]").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    let (head, _) = http(address, "POST", "/", &" ".repeat(100_000)).await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    let (head, _) = http(address, "GET", "/", "").await;
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    let invented = json!([
        format!("0x{}", "5".repeat(64)),
        format!("0x{}", "0".repeat(64)),
        format!("0x{}", "f".repeat(64)),
        "0x1"
    ]);
    let before = miner.statistics();
    let (head, _) = http(address, "POST", "/any/path", &invented.to_string()).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let asked = std::time::Instant::now();
    while miner.statistics().nodes[0].answers == before.nodes[0].answers {
        assert!(asked.elapsed() < crate::support::PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(miner.statistics().works, before.works, "work comes from the node alone");
    miner.stop().await;
    node.stop().await;
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
