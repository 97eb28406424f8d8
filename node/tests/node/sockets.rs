//! Subscriptions over WebSocket.

use crate::process::Process;
use crate::support::{CONTRACT, Sender};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{TxKind, U256, hex};
use serde_json::{Value, json};
use std::net::TcpStream;
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
