//! Claims and epochs over HTTP: `medrec claim` and `medrec provider epoch` against `medrec gatekeeper`.

use std::fs;

use serde_json::{Value, json};

use crate::hospital::{Hospital, NAME, WINDOW};
use crate::process::{json_of, stderr};

#[test]
fn a_claim_says_what_is_missing_and_an_epoch_that_is_too_dear_costs_nothing() {
    let hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
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
    let epoch = [&["provider", "epoch", "1"][..], &WINDOW].concat();
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
