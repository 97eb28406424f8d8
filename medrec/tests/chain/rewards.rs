//! The main job by commands alone: an epoch and a bounty of `medrec gatekeeper`, collected by `medrec mine --collect`, `medrec claim`
//! and `medrec researcher collect`, and held against the chain by `medrec verify`.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};

use crate::hospital::{Hospital, NAME};
use crate::process::{PATIENCE, json_of, stderr, text};

/// Bundles of a folder.
fn bundles(hospital: &Hospital, folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![hospital.path(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                // One that is still being written begins with a dot.
                let name = entry.file_name().into_string().unwrap();
                if name.ends_with(".tar.zst") && !name.starts_with('.') {
                    found.push(entry.path());
                }
            }
        }
    }
    found.sort();
    found
}

#[test]
fn mined_blocks_bring_home_shards_and_a_bounty_that_verify_against_the_chain() {
    let mut hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    let account = hospital.welcome("alma", 3);
    hospital.here("alma", &["research", "--cap", "2", "--until", "2030-01-01"]);
    hospital.blocks(13);
    hospital.epoch(1);
    // From here on a miner makes the blocks, and collects what they earn.
    assert_eq!(hospital.node.take().unwrap().stop().0, Some(0));
    hospital.start_node(&["--threads", "0"]);
    let mine = [
        "mine",
        "--node",
        &hospital.url,
        "--dataset",
        "never",
        "--threads",
        "1",
        "--collect",
        "mined",
        "--json",
    ];
    let mut miner = hospital
        .command(&[&mine[..], &["--keystore", "lab.json"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    hospital.blocks(1);
    let post = ["provider", "post", &account, "--query", "patients-by-class-last-month"];
    hospital.act("hospital", &post);
    let started = Instant::now();
    let is_home = |kind: &str| bundles(&hospital, "mined").iter().any(|path| text(path).contains(kind));
    while !(is_home("/epoch-1/") && is_home("/bounties/")) {
        assert!(started.elapsed() < 2 * PATIENCE, "{:?}", bundles(&hospital, "mined"));
        assert!(miner.try_wait().unwrap().is_none(), "the miner ended");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    // The answer to a bounty is named on chain by a transaction of its own.
    hospital.blocks(5);
    let signal =
        std::process::Command::new("kill").args(["-TERM", &miner.id().to_string()]).status().unwrap();
    assert!(signal.success());
    let output = miner.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["ended_by"], "signal");
    assert!(summary["blocks"].as_array().unwrap().len() > 12);
    for kind in ["/epoch-1/", "/bounties/"] {
        let found = bundles(&hospital, "mined");
        let path = found.iter().find(|path| text(path).contains(kind)).unwrap();
        let verify = ["verify", text(path), "--node", &hospital.url, "--network", "network.json", "--json"];
        let verdict = json_of(&hospital.command(&verify).output().unwrap());
        assert_eq!(verdict["valid"], true, "{verdict:#}");
        let checks = verdict["checks"].as_array().unwrap();
        let on_chain = checks.iter().filter(|check| check["name"].as_str().unwrap().starts_with("chain-"));
        assert!(on_chain.clone().count() >= 4, "{verdict:#}");
        assert!(on_chain.into_iter().all(|check| check["outcome"] == "passed"), "{verdict:#}");
    }
    assert_eq!(gatekeeper.stop().0, Some(0));
}

#[test]
fn a_claim_says_what_is_missing_and_an_epoch_that_is_too_dear_costs_nothing() {
    let hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    hospital.chain().wait_for_block(13);
    let early = hospital.tried("lab", &["claim", "1"]);
    assert_eq!(early.status.code(), Some(0), "{}", stderr(&early));
    assert_eq!(crate::process::stdout(&early), "[]\n", "no release is old enough");
    let young = hospital.chain().head().to_string();
    let young = hospital.tried("lab", &["claim", &young]);
    assert_eq!(young.status.code(), Some(1));
    assert!(stderr(&young).contains("blocks on top"), "{}", stderr(&young));
    let stranger = hospital.tried("hospital", &["claim", "1"]);
    assert!(stderr(&stranger).contains("not with a key of this keystore"), "{}", stderr(&stranger));
    assert_eq!(gatekeeper.stop().0, Some(0));
    // Dearer than what the provider declared on chain: refused, with a code and a hint, and nothing is spent.
    let file = fs::read_to_string(hospital.path("gatekeeper.toml")).unwrap();
    let dear =
        file.replace("cap = \"4\"", "cap = \"9\"").replace("census-rho = \"1/100\"", "census-rho = \"5\"");
    fs::write(hospital.path("gatekeeper.toml"), dear).unwrap();
    fs::remove_dir_all(hospital.path("state")).unwrap();
    let gatekeeper = hospital.gatekeeper();
    let epoch = ["provider", "epoch", "1", "--from", "2020-01-01", "--until", "2025-01-01"];
    let refused = hospital.tried("hospital", &epoch);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("hint: privacy budgets do not grow back"), "{}", stderr(&refused));
    let backwards = ["provider", "epoch", "1", "--from", "2025-01-01", "--until", "2020-01-01"];
    let backwards = hospital.tried("hospital", &backwards);
    assert_eq!(backwards.status.code(), Some(1), "{}", stderr(&backwards));
    let asked = ["provider", "budget", NAME, "--json", "--node", &hospital.url];
    let budget = json_of(&hospital.command(&asked).output().unwrap());
    assert_eq!((&budget["spent_nano_rho"], &budget["last_epoch"]), (&json!(0), &Value::Null));
    assert_eq!(gatekeeper.stop().0, Some(0));
}
