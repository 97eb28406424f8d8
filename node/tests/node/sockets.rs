//! Subscriptions over WebSocket.

use crate::process::Process;
use crate::support::{CONTRACT, Sender, spec};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{TxKind, U256, hex};
use medrec_node::{Node, NodeOptions};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::Duration;
use tempfile::TempDir;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

struct Client(WebSocket<MaybeTlsStream<TcpStream>>);

impl Client {
    fn connect(node: &Process) -> Self {
        Self(tungstenite::connect(format!("ws://{}/", node.address)).unwrap().0)
    }

    fn read(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Asks, and returns the answer; what subscriptions say meanwhile goes to `told`.
    fn ask(&mut self, method: &str, params: &Value, told: &mut Vec<Value>) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 9, "method": method, "params": params });
        self.0.send(Message::text(request.to_string())).unwrap();
        loop {
            let mut message = self.read();
            if message["id"] == json!(9) {
                assert!(message["error"].is_null(), "{message}");
                return message["result"].take();
            }
            told.push(message);
        }
    }
}

#[test]
fn heads_logs_and_pending_transactions_are_told_once_each() {
    let folder = TempDir::new().unwrap();
    let node = Process::start(folder.path(), &["--seal"]);
    let mut client = Client::connect(&node);
    let mut told = Vec::new();
    let heads = client.ask("eth_subscribe", &json!(["newHeads"]), &mut told);
    let mut sender = Sender::number(1);
    let contract = sender.address().create(0);
    let logs = client.ask("eth_subscribe", &json!(["logs", { "address": contract }]), &mut told);
    let pending = client.ask("eth_subscribe", &json!(["newPendingTransactions"]), &mut told);
    let word = U256::from(5).to_be_bytes::<32>();
    let transactions =
        [sender.dynamic(TxKind::Create, 0, CONTRACT), sender.dynamic(TxKind::Call(contract), 0, word.into())];
    for transaction in &transactions {
        let raw = hex::encode_prefixed(transaction.encoded_2718());
        client.ask("eth_sendRawTransaction", &json!([raw]), &mut told);
    }
    let of = |told: &[Value], id: &Value| -> Vec<Value> {
        let mine = told.iter().filter(|message| message["params"]["subscription"] == *id);
        mine.map(|message| message["params"]["result"].clone()).collect()
    };
    while of(&told, &logs).is_empty() {
        told.push(client.read());
    }
    let log = &of(&told, &logs)[0];
    assert_eq!(log["transactionHash"], json!(transactions[1].tx_hash()));
    assert_eq!((&log["removed"], &log["data"]), (&json!(false), &json!(hex::encode_prefixed(word))));
    assert_eq!(of(&told, &pending), [json!(transactions[0].tx_hash()), json!(transactions[1].tx_hash())]);
    let number = |head: &Value| u64::from_str_radix(&head["number"].as_str().unwrap()[2..], 16).unwrap();
    let numbers: Vec<u64> = of(&told, &heads).iter().map(number).collect();
    assert!(!numbers.is_empty() && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");

    assert_eq!(client.ask("eth_unsubscribe", &json!([heads]), &mut told), json!(true));
    assert_eq!(client.ask("eth_chainId", &json!([]), &mut told), json!("0x539"));
}

#[test]
fn a_web_socket_that_answers_pings_stays_and_a_silent_one_gives_its_place_back() {
    let folder = TempDir::new().unwrap();
    let mut options = NodeOptions::new(spec(8), folder.path().to_owned());
    options.limits.connections.idle = Duration::from_millis(300);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(Node::start(options, listener, std::future::pending()));
    let connect = || {
        let socket = tungstenite::connect(format!("ws://{address}/")).unwrap().0;
        let MaybeTlsStream::Plain(stream) = socket.get_ref() else { unreachable!("ws has no TLS") };
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket
    };
    let (mut awake, mut silent) = (connect(), connect());
    // Each read answers the ping before; who answered none would be gone after the second.
    for _ in 0..4 {
        assert!(matches!(awake.read().unwrap(), Message::Ping(_)));
    }
    // What came before the end still waits in the socket.
    let end = (0..3).find_map(|_| silent.read().err()).expect("the node has closed it");
    let is_timeout =
        matches!(&end, tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!is_timeout, "{end}");
}
