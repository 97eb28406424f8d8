//! The gatekeeper dies while it answers a bounty.

use std::time::{Duration, Instant};

use medrec_anonymizer::ledger::{Ledger, Statement};
use medrec_datasets::PseudonymKey;
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::PersonId;
use medrec_domain::{Digest, Rho};
use medrec_protocol::methods::provider::Posting;
use medrec_wallet::researcher::bounty_of;
use serde_json::{Value, json};

use super::{Kills, claim, claimed, death, dies_again_with_the_same_noise, look, noise, times};
use crate::hospital::Hospital;
use crate::process::{PATIENCE, Running, stderr};

/// Posts an update about a patient: its bounty, and the block that carries it.
fn post(hospital: &Hospital, patient: &str) -> (Digest, u64) {
    let command = ["provider", "post", patient, "--query", "patients-by-class-last-month"];
    let posting: Posting = serde_json::from_value(hospital.act("hospital", &command)).unwrap();
    let root = posting.records_root.to_string();
    let started = Instant::now();
    loop {
        let filter = json!([{ "fromBlock": "0x1", "toBlock": "latest" }]);
        let logs = hospital.chain().call("eth_getLogs", &filter);
        let is_ours = |log: &&Value| log["data"].as_str().unwrap().contains(root.trim_start_matches("0x"));
        if let Some(log) = logs.as_array().unwrap().iter().find(is_ours) {
            let block = log["blockNumber"].as_str().unwrap();
            return (bounty_of(&posting), u64::from_str_radix(&block[2..], 16).unwrap());
        }
        assert!(started.elapsed() < PATIENCE, "the posting {root} is in no block");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The pseudonym of a person of the records.
fn person(hospital: &Hospital, record: usize) -> PersonId {
    let key = hospital.bytes("state/pseudonym.key");
    PseudonymKey::new(key.try_into().unwrap()).person(&hospital.record(record))
}

/// The first person whom the last weeks of the bounties' windows saw.
fn seen_lately(hospital: &Hospital) -> usize {
    let encounters = String::from_utf8(hospital.bytes("records/Encounter.ndjson")).unwrap();
    let encounters: Vec<Value> = encounters.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let was_seen = |index: &usize| {
        let patient = format!("Patient/{}", hospital.record(*index));
        encounters.iter().any(|encounter| {
            let start = encounter["period"]["start"].as_str().unwrap();
            encounter["subject"]["reference"] == patient && ("2024-12-10".."2025").contains(&start)
        })
    };
    (0..60).find(was_seen).expect("somebody was seen in December")
}

#[test]
fn a_bounty_killed_at_every_write_is_charged_once_drawn_once_and_answered_once() {
    let hospital = Hospital::open();
    let mut gatekeeper = hospital.gatekeeper();
    let record = seen_lately(&hospital);
    let account = hospital.welcome("alma", record);
    hospital.here("alma", &["research", "--cap", "2", "--until", "2030-01-01"]);
    // Her consent counts from its twelfth confirmation on.
    hospital.blocks(13);
    let mut postings: Vec<_> = (0..8).map(|_| post(&hospital, &account)).collect();
    hospital.chain().wait_for_block(postings.last().unwrap().1 + 12);
    let person = person(&hospital, record);
    let charged = |ledger: &Ledger| -> (Statement, Rho) {
        (ledger.statement().unwrap(), ledger.person(person).unwrap().spent)
    };
    let (mut kills, mut index) = (Kills::new("rewards/|outbox.redb", "rewards/", 37), 0);
    let (mut deaths, mut twice) = (Vec::new(), 0);
    let mut one: Option<(Rho, Rho)> = None;
    loop {
        if index + 4 > postings.len() {
            postings.extend((0..8).map(|_| post(&hospital, &account)));
            hospital.chain().wait_for_block(postings.last().unwrap().1 + 12);
        }
        let (bounty, block) = postings[index];
        index += 1;
        let id = keccak256_of(&[b"medrec bounty", &bounty.0]);
        let fault = kills.fault();
        hospital.fault.arm(&fault);
        let output = claim(&hospital, block, "one");
        let death = death(&hospital, &mut gatekeeper, kills.round);
        let survived = death.is_none();
        assert!(!survived || output.status.success(), "{fault}: {}", stderr(&output));
        if let Some(death) = death {
            drop(gatekeeper);
            let stage = look(&hospital, |ledger| ledger.stage(id)).unwrap();
            if let Some(drawn) = noise(stage.as_ref()) {
                // A store that was opened: its first durable write after that is the answer.
                let storing = "sync 1 releases.redb>ledger.redb>releases.redb";
                let asks = |_: &mut Running| drop(claim(&hospital, block, "one"));
                twice += u64::from(dies_again_with_the_same_noise(&hospital, id, &drawn, storing, asks));
            }
            gatekeeper = hospital.gatekeeper();
            deaths.push(death);
        }
        let bytes = claimed(&hospital, block, "one", "bounty");
        assert_eq!(claimed(&hospital, block, "two", "bounty"), bytes, "{fault}");
        // Nothing is written there while nobody asks: the copy is of a store at rest.
        let (statement, spent) = look(&hospital, charged);
        let answered = u64::try_from(index).unwrap();
        let (price, own) = one.get_or_insert((statement.individual_prices.clone(), spent.clone()));
        assert_eq!(statement.individual_prices, times(price, answered), "priced once each: {fault}");
        assert_eq!(spent, times(own, answered), "charged once each: {fault}");
        if !kills.go_on(survived) {
            break;
        }
    }
    let (price, own) = one.unwrap();
    assert!(!price.is_zero() && !own.is_zero());
    for file in ["ledger.redb", "releases.redb", "outbox.redb"] {
        assert!(deaths.iter().any(|death| death.ends_with(file)), "{file}: {deaths:#?}");
    }
    assert!(deaths.iter().any(|death| death.starts_with("write")) && deaths.len() >= 8, "{deaths:#?}");
    assert!(twice >= 1, "{deaths:#?}");
    assert_eq!(gatekeeper.stop().0, Some(0));
}
