//! A provider's or a patient's command dies while the account goes over to another key.

use std::fs;

use serde_json::{Value, json};

use super::{Kills, claimed, killed};
use crate::hospital::{Hospital, NAME};
use crate::process::{json_of, stderr};

/// Every file of the hospital's folder, temporary ones and the folder itself included.
const HERE: &str = "/.tmp";

/// A keystore that is being written: nothing of a gatekeeper that runs meanwhile.
const KEYSTORE: &str = ".medrec-";

/// The hospital's own account as its keystore has it: which index speaks for it, and its name.
fn own(hospital: &Hospital) -> (u64, String) {
    let own = hospital.keys("hospital", &["provider", "keys", "own"]);
    (own["index"].as_u64().unwrap(), own["account"].as_str().unwrap().to_owned())
}

fn ether(hospital: &Hospital, key: &str) -> u128 {
    let balance = hospital.chain().call("eth_getBalance", &json!([key, "latest"]));
    u128::from_str_radix(&balance.as_str().unwrap()[2..], 16).unwrap() / 10_u128.pow(18)
}

/// The verdict on a bundle, held against the chain.
fn is_valid(hospital: &Hospital, bundle: &[u8]) -> bool {
    fs::write(hospital.path("held.tar.zst"), bundle).unwrap();
    let verify = ["verify", "held.tar.zst", "--node", &hospital.url, "--network", "network.json", "--json"];
    let verdict = json_of(&hospital.command(&verify).output().unwrap());
    let signer = verdict["checks"].as_array().unwrap().iter().find(|check| check["name"] == "chain-signer");
    assert_eq!(signer.unwrap()["outcome"], "passed", "{verdict:#}");
    verdict["valid"] == true
}

#[test]
fn a_change_of_the_providers_key_killed_at_every_write_goes_on_with_the_same_key_and_bundles_stay_good() {
    let hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    let before = hospital.epoch(1)["committed_at"].as_u64().unwrap() + 12;
    hospital.chain().wait_for_block(before + 12);
    let bundle = claimed(&hospital, before, "one", "shard");
    assert_eq!(gatekeeper.stop().0, Some(0));
    fs::copy(hospital.path("hospital.json"), hospital.path("former.json")).unwrap();
    let (_, account) = own(&hospital);
    let had = ether(&hospital, &account);
    let rotate = ["provider", "rotate-key", "--confirmations", "1"];
    let (mut kills, mut changes, mut deaths) = (Kills::new(HERE, HERE, 37), 0, Vec::new());
    let key = loop {
        let keystore = ["--keystore", "hospital.json", "--node", &hospital.url, "--json"];
        let mut command = hospital.command(&[&rotate[..], &keystore].concat());
        let (output, death) = killed(&hospital, &mut command, &kills);
        let survived = death.is_none();
        let told: Value = if survived {
            serde_json::from_slice(&output.stdout).unwrap()
        } else {
            deaths.extend(death);
            let (index, _) = own(&hospital);
            // One that had come to its end but for the answer has nothing left to do.
            if index > changes { json!({ "new_key": null }) } else { hospital.act("hospital", &rotate) }
        };
        changes += 1;
        assert_eq!(own(&hospital), (changes, account.clone()), "another key was begun: {}", kills.fault());
        if !kills.go_on(survived) {
            break told["new_key"].as_str().unwrap().to_owned();
        }
    };
    for file in [".medrec-", "outbox.redb"] {
        assert!(deaths.iter().any(|death| death.contains(file)), "{file}: {deaths:#?}");
    }
    assert!(deaths.iter().any(|death| death.starts_with("write")) && deaths.len() >= 8, "{deaths:#?}");
    assert!(ether(&hospital, &key) + 2 >= had, "the ether went along");
    // A copy of the keystore as it was speaks for nobody.
    let former = hospital.tried("former", &["provider", "set-endpoint", "http://127.0.0.1:1"]);
    assert_eq!(former.status.code(), Some(1));
    let former = hospital.tried("former", &rotate);
    assert!(
        stderr(&former).to_lowercase().contains(&format!("the key {key} speaks for")),
        "{}",
        stderr(&former)
    );
    hospital.act("hospital", &["provider", "set-endpoint", &hospital.endpoint, "--confirmations", "1"]);
    // The gatekeeper goes on with the new key; what was earned before is still the old one's.
    let gatekeeper = hospital.gatekeeper();
    hospital.welcome("alma", 3);
    let after = hospital.epoch(2)["committed_at"].as_u64().unwrap() + 12;
    hospital.chain().wait_for_block(after + 12);
    assert_eq!(claimed(&hospital, before, "two", "shard"), bundle);
    assert!(is_valid(&hospital, &bundle));
    assert!(is_valid(&hospital, &claimed(&hospital, after, "one", "shard")));
    assert_eq!(gatekeeper.stop().0, Some(0));
}

#[test]
fn a_change_of_a_patients_key_killed_at_every_write_goes_on_with_the_same_key() {
    let hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    let account = hospital.welcome("alma", 3);
    let index = || {
        let accounts = hospital.keys("alma", &["patient", "keys", "accounts"]);
        let found = accounts.as_array().unwrap().iter().find(|entry| entry["account"] == account.as_str());
        found.unwrap()["index"].as_u64().unwrap()
    };
    let first = index();
    let rotate = ["patient", "rotate-key", "--provider", NAME];
    let (mut kills, mut changes, mut deaths) = (Kills::new(KEYSTORE, KEYSTORE, 1), 0, Vec::new());
    loop {
        let keystore = ["--keystore", "alma.json", "--node", &hospital.url];
        let mut command = hospital.command(&[&rotate[..], &keystore].concat());
        let (_, death) = killed(&hospital, &mut command, &kills);
        let survived = death.is_none();
        if !survived {
            deaths.extend(death);
            if index() == first + changes {
                hospital.here("alma", &["rotate-key"]);
            }
        }
        changes += 1;
        assert_eq!(index(), first + changes, "another key was begun: {}", kills.fault());
        hospital.here("alma", &["read", "--table", "condition"]);
        if !kills.go_on(survived) {
            break;
        }
    }
    assert!(deaths.iter().any(|death| death.starts_with("write")) && deaths.len() >= 4, "{deaths:#?}");
    assert_eq!(gatekeeper.stop().0, Some(0));
}
