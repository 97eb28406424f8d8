//! The gatekeeper dies while it hands a shard out or takes a consent; the collector dies while it stores a bundle.

use std::fs;
use std::path::Path;

use super::{Kills, claim, claimed, death, killed};
use crate::hospital::Hospital;
use crate::process::{json_of, stderr};

#[test]
fn a_claim_killed_on_either_side_is_answered_the_same_and_leaves_no_half_bundle() {
    let hospital = Hospital::open();
    let mut gatekeeper = hospital.gatekeeper();
    let first = hospital.epoch(1)["committed_at"].as_u64().unwrap() + 12;
    hospital.chain().wait_for_block(first + 12 + 20);
    // The gatekeeper dies while it hands a shard out: each block is another shard's first claim.
    let (mut kills, mut block, mut deaths) =
        (Kills::new("state/rewards/", "state/rewards/", 37), first, Vec::new());
    loop {
        hospital.fault.arm(&kills.fault());
        let output = claim(&hospital, block, "one");
        let death = death(&hospital, &mut gatekeeper, kills.round);
        let survived = death.is_none();
        deaths.extend(death);
        assert!(!survived || output.status.success(), "{}", stderr(&output));
        if !survived {
            drop(gatekeeper);
            gatekeeper = hospital.gatekeeper();
        }
        let bytes = claimed(&hospital, block, "one", "shard");
        assert_eq!(claimed(&hospital, block, "two", "shard"), bytes, "block {block}");
        block += 1;
        hospital.chain().wait_for_block(block + 12);
        if !kills.go_on(survived) {
            break;
        }
    }
    assert!(deaths.iter().any(|death| death.ends_with("releases.redb")), "{deaths:#?}");
    // The collector dies while it stores the bundle, in a folder of its own each time.
    let reference = claimed(&hospital, first, "two", "shard");
    let (mut kills, mut round, mut deaths) = (Kills::new("mine-", "mine-", 5), 0, Vec::new());
    loop {
        round += 1;
        let folder = format!("mine-{round}");
        let number = first.to_string();
        let arguments =
            ["claim", &number, "--collect", &folder, "--keystore", "lab.json", "--node", &hospital.url];
        let mut command = hospital.command(&arguments);
        let (_, death) = killed(&hospital, &mut command, &kills);
        let survived = death.is_none();
        deaths.extend(death);
        assert_eq!(claimed(&hospital, first, &folder, "shard"), reference, "{}", kills.fault());
        let left = half_written(&hospital.path(&folder));
        assert!(left.is_empty(), "{}: {left:?}", kills.fault());
        if !kills.go_on(survived) {
            break;
        }
    }
    for part in [".incoming-", "collector.redb"] {
        assert!(deaths.iter().any(|death| death.contains(part)), "{part}: {deaths:#?}");
    }
    assert!(
        deaths.iter().any(|death| death.starts_with("write") && death.contains(".incoming-")),
        "{deaths:#?}"
    );
    assert_eq!(gatekeeper.stop().0, Some(0));
}

/// Files below a folder that are neither a bundle nor a store.
fn half_written(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if name.starts_with('.') || !(name.contains(".tar.zst") || name.contains(".redb")) {
                found.push(name);
            }
        }
    }
    found
}

/// More writes than taking a consent in and carrying its grant are.
const MOST_WRITES: u64 = 12;

#[test]
fn a_consent_that_was_accepted_outlives_a_kill_at_any_write() {
    let hospital = Hospital::open();
    let mut gatekeeper = hospital.gatekeeper();
    hospital.welcome("alma", 3);
    let doctor = hospital.enter("doctor");
    let grant = ["grant", "--to", &doctor, "--purpose", "treatment", "--until", "2030-01-01"];
    let mut kills = Kills::new("gatekeeper.redb|outbox.redb", "gatekeeper.redb", 37);
    let mut accepted = vec![hospital.here("alma", &grant)["commitment"].clone()];
    let mut deaths = 0;
    loop {
        hospital.fault.arm(&kills.fault());
        let output = hospital.tried_here("alma", &grant);
        let survived = death(&hospital, &mut gatekeeper, kills.round).is_none();
        if output.status.success() {
            accepted.push(json_of(&output)["commitment"].clone());
        }
        if !survived {
            drop(gatekeeper);
            gatekeeper = hospital.gatekeeper();
            deaths += 1;
        }
        let list = hospital.here("alma", &["consents"]);
        for commitment in &accepted {
            let stored = list["documents"].as_array().unwrap();
            let found = stored.iter().find(|stored| stored["commitment"] == *commitment);
            assert_eq!(found.unwrap()["is_in_force"], true, "{}: {list}", kills.fault());
        }
        assert!(!survived || output.status.success(), "{}", stderr(&output));
        // The follower of the chain writes too, at every block: on a slow machine there is always something left to die at.
        if !kills.go_on(survived || kills.round >= MOST_WRITES) {
            break;
        }
    }
    assert!(deaths >= 4, "{deaths} {accepted:?}");
    assert_eq!(gatekeeper.stop().0, Some(0));
}
