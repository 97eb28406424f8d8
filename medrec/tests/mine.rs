//! `medrec mine` as a process, against `medrec node` as a process.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it like the test itself")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const SOMEBODY: &str = "0x00000000000000000000000000000000000000aa";

fn medrec(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medrec"));
    command.args(arguments);
    command
}

fn output(arguments: &[&str]) -> Output {
    medrec(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A development chain that seals nothing by itself; killed at the end.
struct Node {
    child: Child,
    url: String,
}

impl Node {
    fn start() -> Self {
        let arguments = ["node", "--dev", "--threads", "0", "--http-port", "0", "--json", "--accounts", "1"];
        let mut child = medrec(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: ready["http"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // In order, so that its temporary folder is deleted.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

#[test]
fn mining_a_given_number_of_blocks_ends_with_a_document_that_names_each() {
    let node = Node::start();
    let result = output(&[
        "mine",
        "--node",
        &node.url,
        "--coinbase",
        SOMEBODY,
        "--dataset",
        "never",
        "--threads",
        "1",
        "--blocks",
        "5",
        "--json",
    ]);
    assert!(result.status.success(), "{}", stderr(&result));
    let summary: Value = serde_json::from_slice(&result.stdout).unwrap();
    assert_eq!(summary["ended_by"], "blocks");
    assert_eq!(summary["solutions"]["accepted"], 5);
    let blocks = summary["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        assert_eq!(block["coinbase"], SOMEBODY);
        assert_eq!(block["seal_hash"].as_str().unwrap().len(), 66);
        assert_eq!(block["nonce"].as_str().unwrap().len(), 18);
    }
    assert!(summary["hashes"].as_u64().unwrap() >= 5);
    assert_eq!(summary["nodes"][0]["node"], node.url.as_str());
    assert!(stderr(&result).contains("block 1 accepted after"), "{}", stderr(&result));
}

#[test]
fn an_opencl_device_mines_without_a_dataset() {
    let engines = output(&["engines", "--json"]);
    let listing: Value = serde_json::from_slice(&engines.stdout).unwrap();
    let device = &listing["opencl"]["devices"][0];
    let number =
        device["index"].as_u64().expect("an OpenCL device: `cargo xtask setup` installs PoCL").to_string();
    let node = Node::start();
    let result = output(&[
        "mine",
        "--node",
        &node.url,
        "--dataset",
        "never",
        "--device",
        &number,
        "--blocks",
        "3",
        "--json",
    ]);
    assert!(result.status.success(), "{}", stderr(&result));
    let summary: Value = serde_json::from_slice(&result.stdout).unwrap();
    assert_eq!(summary["solutions"]["accepted"], 3, "{summary}");
    let devices = summary["devices"].as_array().unwrap();
    assert_eq!((devices.len(), &devices[0]["device"]), (1, &device["name"]), "the processor rests");
    assert_eq!(summary["preparation"], Value::Null, "no dataset is made");
}

#[test]
fn a_signal_ends_it_in_order_with_a_summary() {
    let node = Node::start();
    for (goal, code) in [(&[][..], 0), (&["--blocks", "1000000"][..], 130)] {
        let arguments = ["mine", "--node", &node.url, "--dataset", "never", "--threads", "1"];
        let mut child = medrec(&[&arguments[..], goal].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("accepted") {
            line.clear();
            assert!(told.read_line(&mut line).unwrap() > 0, "it mines");
        }
        let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(status.success());
        let mut rest = String::new();
        told.read_to_string(&mut rest).unwrap();
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), Some(code), "{rest}");
        let mut summary = String::new();
        child.stdout.take().unwrap().read_to_string(&mut summary).unwrap();
        assert!(summary.contains("blocks ") && summary.contains("node      http://"), "{summary}");
    }
}

#[test]
fn without_a_node_it_says_why_waits_and_ends_in_time() {
    let started = Instant::now();
    let result = output(&[
        "mine",
        "--node",
        "http://127.0.0.1:1",
        "--dataset",
        "never",
        "--threads",
        "1",
        "--seconds",
        "2",
    ]);
    assert!(result.status.success(), "{}", stderr(&result));
    assert!(stderr(&result).contains("warning: http://127.0.0.1:1: "), "{}", stderr(&result));
    assert!(started.elapsed() >= Duration::from_secs(2) && started.elapsed() < PATIENCE);
}

#[test]
fn arguments_that_make_no_sense_start_nothing() {
    let node = ["--node", "http://127.0.0.1:1", "--dataset", "never"];
    for (arguments, code, says) in [
        (&["mine"][..], 2, "--node"),
        (&["mine", "--node", "https://node", "--dataset", "never"][..], 2, "tunnel"),
        (&[&["mine"][..], &node, &["--coinbase", "0x12"]].concat()[..], 2, "40 hex digits"),
        (&[&["mine"][..], &node, &["--engine", "avx1024"]].concat()[..], 3, "avx1024"),
        (&[&["mine"][..], &node, &["--threads", "0"]].concat()[..], 2, "0"),
        (&[&["mine"][..], &node, &["--device", "no such device"]].concat()[..], 3, "OpenCL"),
    ] {
        let result = output(arguments);
        assert_eq!(result.status.code(), Some(code), "{arguments:?}: {}", stderr(&result));
        assert!(stderr(&result).contains(says), "{arguments:?}: {}", stderr(&result));
        assert!(result.stdout.is_empty(), "{arguments:?}");
    }
}
