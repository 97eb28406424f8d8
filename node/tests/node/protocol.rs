//! What malformed, excessive and foreign requests get.

use crate::process::{Process, post};
use serde_json::{Value, json};
use tempfile::TempDir;

fn node() -> (Process, TempDir) {
    let folder = TempDir::new().unwrap();
    (Process::start(folder.path(), &[]), folder)
}

fn ask(node: &Process, body: &str) -> Value {
    let (status, text) = post(node.address, &[], body.as_bytes()).unwrap();
    assert_eq!(status, 200, "{body}");
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

fn code(node: &Process, body: &str) -> i64 {
    ask(node, body)["error"]["code"].as_i64().unwrap_or_default()
}

#[test]
fn malformed_requests_get_the_json_rpc_error_that_fits() {
    let (node, _folder) = node();
    let cases = [
        ("{", -32700),
        ("", -32700),
        ("[]", -32600),
        ("7", -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"anvil_nodeInfo"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance"}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x12"]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"a":1}}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getTransactionByHash","params":[1,2]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x00"]}"#, -32000),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{},"0x99"]}"#, -32000),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getFilterChanges","params":["0x7"]}"#, -32000),
    ];
    for (body, expected) in cases {
        assert_eq!(code(&node, body), expected, "{body}");
    }
    let notification = r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#;
    assert_eq!(ask(&node, notification), Value::Null, "a notification gets no answer");
}

#[test]
fn batches_are_answered_in_order_and_bounded() {
    let (node, _folder) = node();
    let answers = ask(
        &node,
        r#"[{"jsonrpc":"2.0","id":"a","method":"eth_chainId"},7,{"jsonrpc":"2.0","method":"eth_chainId"},
            {"jsonrpc":"2.0","id":null,"method":"net_version"}]"#,
    );
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 3, "{answers:?}");
    assert_eq!((&answers[0]["id"], &answers[0]["result"]), (&json!("a"), &json!("0x539")));
    assert_eq!(answers[1]["error"]["code"], json!(-32600));
    assert_eq!(answers[2]["result"], json!("1337"));
    let many = vec![r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#; 1_001].join(",");
    assert_eq!(code(&node, &format!("[{many}]")), -32600);
}

#[test]
fn bodies_hosts_origins_and_content_types_are_checked() {
    let (node, _folder) = node();
    let request = br#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let status = |headers: &[(&str, &str)]| post(node.address, headers, request).unwrap().0;
    assert_eq!(status(&[]), 200);
    assert_eq!(status(&[("Host", "evil.example")]), 403);
    assert_eq!(status(&[("Origin", "https://evil.example")]), 403);
    assert_eq!(status(&[("Content-Type", "text/plain")]), 415);
    assert_eq!(status(&[("Content-Type", "application/json; charset=utf-8")]), 200);
    let large = vec![b' '; (5 << 20) + 1];
    assert_eq!(post(node.address, &[], &large).unwrap().0, 413);
    assert_eq!(status(&[]), 200, "the node still answers");
}

#[test]
fn filters_are_bounded_in_number() {
    let (node, _folder) = node();
    let batch = |count| {
        let one = r#"{"jsonrpc":"2.0","id":1,"method":"eth_newBlockFilter"}"#;
        format!("[{}]", vec![one; count].join(","))
    };
    assert!(ask(&node, &batch(1_000)).as_array().unwrap().iter().all(|a| a["result"].is_string()));
    let refused = ask(&node, &batch(25));
    assert_eq!(refused.as_array().unwrap().iter().filter(|a| a["error"]["code"] == json!(-32005)).count(), 1);
    assert_eq!(node.call("eth_uninstallFilter", &json!(["0x1"])), Ok(json!(true)));
    assert_eq!(node.call("eth_uninstallFilter", &json!(["0x1"])), Ok(json!(false)));
    assert!(node.call("eth_newBlockFilter", &json!([])).is_ok());
}
