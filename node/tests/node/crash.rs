//! `kill -9` at any moment: nothing acknowledged is lost, no head is half written.

use crate::process::{Process, call};
use crate::support::Sender;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, hex};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// What a client was told before the node died.
#[derive(Default)]
struct Acknowledged {
    transactions: Vec<Value>,
    heads: Vec<Value>,
}

/// Sends transactions and asks for heads until the node stops answering.
fn use_until_dead(node: &Process, sender: &mut Sender, dying: &AtomicBool) -> Acknowledged {
    let mut acknowledged = Acknowledged::default();
    loop {
        let transaction = sender.dynamic(TxKind::Call(Address::repeat_byte(0xbb)), 1, Bytes::new());
        let raw = hex::encode_prefixed(transaction.encoded_2718());
        let sent = call(node.address, "eth_sendRawTransaction", &json!([raw]));
        let head = call(node.address, "eth_getBlockByNumber", &json!(["latest", false]));
        match sent {
            Ok(Ok(hash)) => acknowledged.transactions.push(hash),
            // A full queue is an answer too; the nonce is used again.
            Ok(Err(_)) => sender.nonce -= 1,
            Err(_) => {
                assert!(dying.load(Ordering::SeqCst), "the node died by itself");
                return acknowledged;
            }
        }
        match head {
            Ok(head) => acknowledged.heads.push(head.unwrap()["hash"].clone()),
            Err(_) => return acknowledged,
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_node_is_killed() {
    let folder = TempDir::new().unwrap();
    let mut sender = Sender::number(1);
    let mut all = Acknowledged::default();
    for round in 0..6_u64 {
        let node = Process::start(folder.path(), &["--seal"]);
        let next = node.call("eth_getTransactionCount", &json!([sender.address(), "pending"])).unwrap();
        sender.nonce = u64::from_str_radix(&next.as_str().unwrap()[2..], 16).unwrap();
        for hash in &all.transactions {
            let found = node.call("eth_getTransactionByHash", &json!([hash])).unwrap();
            assert_eq!(&found["hash"], hash, "round {round}: an acknowledged transaction is gone");
        }
        for hash in &all.heads {
            let found = node.call("eth_getBlockByHash", &json!([hash, false])).unwrap();
            assert_eq!(&found["hash"], hash, "round {round}: a block that was shown is gone");
            let state = node.call("eth_getBalance", &json!([sender.address(), { "blockHash": hash }]));
            assert!(state.is_ok(), "round {round}: the state of a block is gone: {state:?}");
        }
        let dying = AtomicBool::new(false);
        let seen = std::thread::scope(|scope| {
            let client = scope.spawn(|| use_until_dead(&node, &mut sender, &dying));
            std::thread::sleep(Duration::from_millis(300 + 173 * round));
            dying.store(true, Ordering::SeqCst);
            node.kill();
            client.join().unwrap()
        });
        all.transactions.extend(seen.transactions);
        all.heads.extend(seen.heads);
        all.heads.dedup();
    }
    assert!(all.transactions.len() > 10, "the client was told of {}", all.transactions.len());
    let node = Process::start(folder.path(), &["--seal"]);
    let last = all.transactions.last().unwrap();
    let receipt = node.wait_for("eth_getTransactionReceipt", &json!([last]), |receipt| !receipt.is_null());
    assert_eq!(receipt["status"], json!("0x1"), "what waited is mined after the restart");
}
