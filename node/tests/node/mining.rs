//! External mining over RPC: getWork, submitWork, hashrates and notifications.

use crate::process::Process;
use crate::support::{Sender, TestNode, spec};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use medrec_node::seal::Sealer;
use medrec_node::work::light;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tempfile::TempDir;

fn work(node: &Process, params: &Value) -> [String; 4] {
    serde_json::from_value(node.call("eth_getWork", params).unwrap()).unwrap()
}

/// What a miner does: nonce and mix for a work.
fn solve(work: &[String; 4]) -> (String, String) {
    let seal_hash: B256 = work[0].parse().unwrap();
    let boundary = U256::from_str_radix(&work[2][2..], 16).unwrap();
    let number = u64::from_str_radix(&work[3][2..], 16).unwrap();
    let mut first = 0;
    loop {
        let hashes = Sealer.hash_many(number, seal_hash, first, 64).unwrap();
        let found = (first..).zip(hashes).find(|(_, (_, hash))| U256::from_be_bytes(hash.0) <= boundary);
        if let Some((nonce, (mix, _))) = found {
            return (format!("{nonce:#018x}"), mix.to_string());
        }
        first += 64;
    }
}

#[test]
fn a_miner_gets_work_and_its_solution_becomes_the_head() {
    let folder = TempDir::new().unwrap();
    let node = Process::start(folder.path(), &[]);
    assert_eq!(node.call("eth_mining", &json!([])), Ok(json!(true)));
    let first = work(&node, &json!([]));
    assert_eq!(first[1], format!("0x{}", "0".repeat(64)), "the seed of epoch 0");
    assert_eq!((first[2].len(), first[3].as_str()), (66, "0x1"));
    assert_eq!(work(&node, &json!([])), first, "the work stays while nothing changes");

    let (nonce, mix) = solve(&first);
    let submit = |nonce: &str, seal: &str, mix: &str| node.call("eth_submitWork", &json!([nonce, seal, mix]));
    let zero = format!("0x{}", "0".repeat(64));
    assert_eq!(submit(&nonce, &first[0], &zero), Ok(json!(false)));
    assert_eq!(submit(&nonce, &zero, &mix), Ok(json!(false)));
    assert!(submit("0x1", &first[0], &mix).is_err(), "a nonce has 8 bytes");
    assert_eq!(submit(&nonce, &first[0], &mix), Ok(json!(true)));
    assert_eq!(node.call("eth_blockNumber", &json!([])), Ok(json!("0x1")));
    let block = node.call("eth_getBlockByNumber", &json!(["0x1", false])).unwrap();
    assert_eq!((&block["nonce"], &block["mixHash"]), (&json!(nonce), &json!(mix)));

    let mine = Address::repeat_byte(0x77);
    let own = work(&node, &json!([mine]));
    assert_ne!(own[0], work(&node, &json!([]))[0], "each coinbase has its own work");
    let (nonce, mix) = solve(&own);
    assert_eq!(submit(&nonce, &own[0], &mix), Ok(json!(true)));
    assert_eq!(node.call("eth_getBalance", &json!([mine, "latest"])), Ok(json!("0x1bc16d674ec80000")));
}

#[test]
fn new_transactions_make_new_work_and_the_old_one_stays_valid() {
    let folder = TempDir::new().unwrap();
    let node = Process::start(folder.path(), &[]);
    let old = work(&node, &json!([]));
    let transaction = Sender::number(1).dynamic(TxKind::Call(Address::ZERO), 1, Bytes::new());
    let raw = hex::encode_prefixed(transaction.encoded_2718());
    node.call("eth_sendRawTransaction", &json!([raw])).unwrap();
    let new: [String; 4] =
        serde_json::from_value(node.wait_for("eth_getWork", &json!([]), |work| work[0] != json!(old[0])))
            .unwrap();
    let pending = node.call("eth_getBlockByNumber", &json!(["pending", false])).unwrap();
    assert_eq!(pending["transactions"], json!([transaction.tx_hash()]));
    let (nonce, mix) = solve(&old);
    assert_eq!(node.call("eth_submitWork", &json!([nonce, old[0], mix])), Ok(json!(true)));
    let (nonce, mix) = solve(&new);
    assert_eq!(node.call("eth_submitWork", &json!([nonce, new[0], mix])), Ok(json!(true)), "a side block");
    assert_eq!(node.call("eth_blockNumber", &json!([])), Ok(json!("0x1")));
    let next = work(&node, &json!([]));
    let (nonce, mix) = solve(&next);
    node.call("eth_submitWork", &json!([nonce, next[0], mix])).unwrap();
    let head = node.call("eth_getBlockByNumber", &json!(["latest", false])).unwrap();
    assert_eq!(head["uncles"].as_array().unwrap().len(), 1, "the side block became an ommer");
    assert_eq!(head["transactions"].as_array().unwrap().len(), 1);
}

#[test]
fn hashrates_are_taken_compact_and_padded() {
    let folder = TempDir::new().unwrap();
    let node = Process::start(folder.path(), &[]);
    let padded = format!("{:#066x}", 0x500);
    let id = |byte| B256::repeat_byte(byte);
    assert_eq!(node.call("eth_submitHashrate", &json!(["0x100", id(1)])), Ok(json!(true)));
    assert_eq!(node.call("eth_submitHashrate", &json!([padded, id(2)])), Ok(json!(true)));
    assert_eq!(node.call("eth_hashrate", &json!([])), Ok(json!("0x600")));
}

#[test]
fn new_work_is_posted_to_those_who_asked_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/work", listener.local_addr().unwrap());
    let folder = TempDir::new().unwrap();
    let node = Process::start(folder.path(), &["--notify", &url]);
    let posted = || -> [String; 4] {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut text = String::new();
        let mut buffer = [0; 4_096];
        while !text.ends_with(']') {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "the notification ends early: {text}");
            text += std::str::from_utf8(&buffer[..count]).unwrap();
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let first = posted();
    assert_eq!(first, work(&node, &json!([])));
    let (nonce, mix) = solve(&first);
    assert_eq!(node.call("eth_submitWork", &json!([nonce, first[0], mix])), Ok(json!(true)));
    assert_eq!(posted()[3], "0x2");
}

#[test]
fn work_is_valid_while_its_number_plus_seven_is_above_the_head() {
    let node = TestNode::new(spec(8));
    let solved = [0x11, 0x22].map(|coinbase| {
        let candidate = node.backend.candidate(Address::repeat_byte(coinbase)).unwrap();
        let sealer = node.backend.chain().sealer();
        let seal = light::seal(sealer, &candidate, 1, &AtomicBool::new(false)).unwrap().unwrap();
        (candidate.seal_hash, seal)
    });
    let submit = |(seal_hash, (nonce, mix))| node.backend.submit_work(nonce, seal_hash, mix).unwrap();
    for _ in 0..7 {
        node.mine();
    }
    assert_eq!(node.head().number(), 7);
    assert!(submit(solved[0]), "1 + 7 > 7");
    assert_eq!(node.mine().number(), 8);
    assert!(!submit(solved[1]), "1 + 7 is not above 8");
}
