//! `medrec demo` as a process: the main job from its first block to verified bundles, and an end in the middle of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test that calls them")]

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
        // OpenCL on the processor gets one thread, as a researcher on the processor of two cores has.
        .env("POCL_MAX_PTHREAD_COUNT", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Devices of a kind as `medrec engines` lists them: number and name.
fn devices(kind: &str) -> Vec<(u64, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_medrec")).args(["engines", "--json"]).output().unwrap();
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = listing["opencl"]["devices"].as_array().unwrap();
    let of_kind = all.iter().filter(|device| device["kind"] == kind);
    of_kind
        .map(|device| (device["index"].as_u64().unwrap(), device["name"].as_str().unwrap().to_owned()))
        .collect()
}

/// Plays the whole demo; what it told, and what came of it.
fn played() -> (String, Value, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results");
    // On a busy machine blocks take longer, not more of them; the limit only bounds a demo that earns nothing.
    let output = demo(&out, &["--patients", "10", "--blocks", "400"]).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["valid"], outcome["bundles"], "{outcome}");
    for miner in outcome["miners"].as_array().unwrap() {
        assert!(miner["blocks"].as_u64().unwrap() > 0, "{miner}");
    }
    (told, outcome, folder)
}

#[test]
fn two_miners_end_with_verified_bundles_and_reports() {
    let (told, outcome, _folder) = played();
    for step in 1..=9 {
        assert!(told.contains(&format!("{step}/9  ")), "step {step} is not told:\n{told}");
    }
    // Of ten patients three in five share all, one a part, one nothing.
    assert_eq!(outcome["decisions"], serde_json::json!({ "granted": 18, "limited": 6, "refused": 6 }));
    let miners = outcome["miners"].as_array().unwrap();
    assert_eq!(miners.len(), 2);
    let mut kinds = Vec::new();
    for miner in miners {
        let report = std::fs::read_to_string(miner["report"].as_str().unwrap()).unwrap();
        assert!(report.contains("<svg"), "the report of {} has no plot", miner["name"]);
        for bundle in miner["bundles"].as_array().unwrap() {
            kinds.push(bundle["kind"].as_str().unwrap().to_owned());
            let path = bundle["path"].as_str().unwrap();
            let verified =
                Command::new(env!("CARGO_BIN_EXE_medrec")).args(["verify", path]).output().unwrap();
            assert!(verified.status.success(), "{path}: {}", String::from_utf8_lossy(&verified.stderr));
        }
        // A processor that OpenCL offers as a device is not taken for a graphics device.
        let device = miner["device"].as_str().unwrap();
        assert!(devices("cpu").iter().all(|(_, name)| name != device), "{device}");
    }
    assert!(kinds.iter().any(|kind| kind == "bounty"), "{kinds:?}");
    assert!(kinds.iter().any(|kind| kind == "census-shard"), "{kinds:?}");
}

#[test]
fn devices_and_engines_that_are_not_there_start_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results");
    for (arguments, code, says) in [
        (&["--device", "no such device"][..], 3, "no OpenCL device matches"),
        (&["--device", "0,0"][..], 2, "named twice"),
        (&["--device", "0,1,2"][..], 2, "researchers take one each"),
        (&["--engine", "avx1024"][..], 3, "avx1024"),
    ] {
        let output = demo(&out, arguments).wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(says) && !out.exists(), "{arguments:?}: {told}");
    }
}

/// Interrupts the demo when its second step begins: then chain, contracts and gatekeepers are all there. What it told.
fn interrupted(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results");
    let mut running = demo(&out, arguments);
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let mut told = String::new();
    while !told.contains("2/9  ") {
        let line = lines.next().unwrap_or_else(|| panic!("the demo ended before its second step:\n{told}"));
        told = told + &line.unwrap() + "\n";
    }
    kill_process(Pid::from_child(&running), Signal::INT).unwrap();
    let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
    assert_eq!(running.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(!out.exists(), "{} was left behind", out.display());
    told
}

#[test]
fn an_interrupt_in_the_middle_leaves_nothing_behind() {
    interrupted(&[]);
}

#[test]
fn one_researcher_mines_on_a_device_that_is_named_and_the_other_on_the_processor() {
    let all = devices("cpu");
    let (number, name) = all.first().expect("OpenCL on the processor: `cargo xtask setup` installs it");
    let told = interrupted(&["--device", &number.to_string(), "--engine", "scalar"]);
    assert!(told.contains(&format!("trying {name}: ")), "{told}");
    assert!(told.contains(&format!("Institute for Epidemiology mines on {name}: ")), "{told}");
    let other = told.lines().find(|line| line.contains("Public Health Observatory mines on processor, "));
    assert!(other.is_some_and(|line| line.contains(" of scalar: ")), "{told}");
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
