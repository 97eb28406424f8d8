//! `medrec demo` as a process: the main job from its first block to verified bundles, and an end in the middle of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test that calls them")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

fn demo(out: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_medrec"))
        .args(["demo", "--json", "--out"])
        .arg(out)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn two_miners_end_with_verified_bundles_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results");
    // On a busy machine blocks take longer, not more of them; the limit only bounds a demo that earns nothing.
    let output = demo(&out, &["--patients", "10", "--blocks", "400"]).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    for step in 1..=9 {
        assert!(told.contains(&format!("{step}/9  ")), "step {step} is not told:\n{told}");
    }
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["valid"], outcome["bundles"], "{outcome}");
    // Of ten patients three in five share all, one a part, one nothing.
    assert_eq!(outcome["decisions"], serde_json::json!({ "granted": 18, "limited": 6, "refused": 6 }));
    let miners = outcome["miners"].as_array().unwrap();
    assert_eq!(miners.len(), 2);
    let mut kinds = Vec::new();
    for miner in miners {
        assert!(miner["blocks"].as_u64().unwrap() > 0, "{miner}");
        let report = std::fs::read_to_string(miner["report"].as_str().unwrap()).unwrap();
        assert!(report.contains("<svg"), "the report of {} has no plot", miner["name"]);
        for bundle in miner["bundles"].as_array().unwrap() {
            kinds.push(bundle["kind"].as_str().unwrap().to_owned());
            let path = bundle["path"].as_str().unwrap();
            let verified =
                Command::new(env!("CARGO_BIN_EXE_medrec")).args(["verify", path]).output().unwrap();
            assert!(verified.status.success(), "{path}: {}", String::from_utf8_lossy(&verified.stderr));
        }
    }
    assert!(kinds.iter().any(|kind| kind == "bounty"), "{kinds:?}");
    assert!(kinds.iter().any(|kind| kind == "census-shard"), "{kinds:?}");
}

#[test]
fn an_interrupt_in_the_middle_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results");
    let mut running = demo(&out, &[]);
    let mut told = BufReader::new(running.stderr.take().unwrap()).lines();
    // The second step begins when chain, contracts and gatekeepers are all there.
    assert!(told.any(|line| line.unwrap().contains("2/9  ")), "the demo ended before its second step");
    kill_process(Pid::from_child(&running), Signal::INT).unwrap();
    let rest: Vec<String> = told.map(|line| line.unwrap()).collect();
    assert_eq!(running.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(!out.exists(), "{} was left behind", out.display());
}

#[test]
fn a_folder_that_exists_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &[]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("exists already") && told.contains("hint:"), "{told}");
    assert!(folder.path().is_dir());
}
