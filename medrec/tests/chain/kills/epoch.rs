//! The gatekeeper dies while it makes an epoch.

use std::time::{Duration, Instant};

use medrec_anonymizer::ledger::Stage;
use medrec_domain::Rho;
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::Address;
use serde_json::{Value, json};

use super::{Kills, claimed, death, dies_again_with_the_same_noise, look, noise, times};
use crate::gatekeeper::try_status;
use crate::hospital::{Hospital, NAME, WINDOW};
use crate::process::{PATIENCE, Running, json_of};

/// Runs an epoch until its root is on chain, or the gatekeeper is dead.
fn epoch_or_death(hospital: &Hospital, gatekeeper: &mut Running, number: u64) {
    let number = number.to_string();
    let command = [&["provider", "epoch", &number][..], &WINDOW].concat();
    loop {
        let output = hospital.tried("hospital", &command);
        if gatekeeper.ends_within(Duration::from_millis(200)).is_some() {
            return;
        }
        if !json_of(&output)["committed_at"].is_null() {
            return;
        }
    }
}

fn budget(hospital: &Hospital) -> Value {
    let asked = ["provider", "budget", NAME, "--json", "--node", &hospital.url];
    json_of(&hospital.command(&asked).output().unwrap())
}

/// Waits until a gatekeeper that was started again has finished an epoch, or is dead.
fn wait_for_epoch(hospital: &Hospital, gatekeeper: &mut Running, number: u64) {
    let started = Instant::now();
    while gatekeeper.ends_within(Duration::from_millis(50)).is_none() {
        assert!(started.elapsed() < PATIENCE, "epoch {number} neither goes on nor dies");
        if try_status(hospital).is_some_and(|status| status["epoch"] == number) {
            return;
        }
    }
}

#[test]
fn an_epoch_killed_at_every_write_is_charged_once_drawn_once_and_answered_once() {
    let hospital = Hospital::open();
    let mut gatekeeper = hospital.gatekeeper();
    hospital.welcome("alma", 3);
    hospital.here("alma", &["research", "--cap", "2", "--until", "2030-01-01"]);
    hospital.blocks(13);
    let provider: Address = serde_json::from_value(gatekeeper.ready["provider"].clone()).unwrap();
    let first = hospital.epoch(1);
    let price: Rho = first["rho"].as_str().unwrap().parse().unwrap();
    let mut committed = vec![first["committed_at"].as_u64().unwrap()];
    let nano = budget(&hospital)["spent_nano_rho"].as_u64().unwrap();
    let (mut kills, mut number) = (Kills::new("rewards/|outbox.redb", "rewards/", 37), 1_u64);
    let (mut deaths, mut twice, mut roots) = (Vec::new(), 0, 0);
    loop {
        number += 1;
        let id = keccak256_of(&[b"medrec census", &provider.0, &number.to_be_bytes()]);
        let fault = kills.fault();
        hospital.fault.arm(&fault);
        epoch_or_death(&hospital, &mut gatekeeper, number);
        let death = death(&hospital, &mut gatekeeper, kills.round);
        let survived = death.is_none();
        if let Some(death) = death {
            drop(gatekeeper);
            let (stage, spent) =
                look(&hospital, |ledger| (ledger.stage(id).unwrap(), ledger.statement().unwrap().spent));
            let charges = number - u64::from(stage.is_none());
            assert_eq!(spent, times(&price, charges), "charged when reserved: {fault}");
            if let Some(drawn) = noise(stage.as_ref()) {
                let finishing = "sync 1 releases.redb>ledger.redb>releases.redb";
                let goes_on = |gatekeeper: &mut Running| wait_for_epoch(&hospital, gatekeeper, number);
                twice += u64::from(dies_again_with_the_same_noise(&hospital, id, &drawn, finishing, goes_on));
            }
            gatekeeper = hospital.gatekeeper();
            let answer = hospital.epoch(number);
            if let Some(Stage::Committed { answer: root, .. }) = stage {
                assert_eq!(answer["root"], json!(root), "an answer changed: {fault}");
                roots += 1;
            }
            deaths.push(death);
        }
        let answer = hospital.epoch(number);
        committed.push(answer["committed_at"].as_u64().unwrap());
        let budget = budget(&hospital);
        assert_eq!(budget["spent_nano_rho"], nano * number, "the chain was charged once: {fault}");
        assert_eq!((&budget["epochs"], &budget["last_epoch"]), (&json!(number), &json!(number)));
        if !kills.go_on(survived) {
            break;
        }
    }
    // Every file that a release goes through was died at.
    for file in ["ledger.redb", "releases.redb", "outbox.redb"] {
        assert!(deaths.iter().any(|death| death.ends_with(file)), "{file}: {deaths:#?}");
    }
    assert!(deaths.iter().any(|death| death.starts_with("write")) && deaths.len() >= 12, "{deaths:#?}");
    assert!(twice >= 1 && roots >= 1, "{twice} {roots}: {deaths:#?}");
    // What each of them earns is good, and the same for whoever asks again.
    hospital.chain().wait_for_block(committed.last().unwrap() + 25);
    for earning in committed.iter().rev().step_by(4).map(|block| block + 12) {
        let bytes = claimed(&hospital, earning, "one", "shard");
        assert_eq!(claimed(&hospital, earning, "two", "shard"), bytes, "block {earning}");
    }
    assert_eq!(gatekeeper.stop().0, Some(0));
    let spent = look(&hospital, |ledger| ledger.statement().unwrap().spent);
    assert_eq!(spent, times(&price, number), "charged once for each epoch");
}
