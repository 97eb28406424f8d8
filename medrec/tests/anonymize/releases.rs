//! One population, released, verified, refused.

use crate::process::{RELEASE, json, medrec, population, release};

#[test]
fn a_release_is_verified_and_any_changed_byte_is_refused() {
    let folder = population();
    let released = json(&release(folder.path(), "1/2", "census"));
    assert_eq!(released["tables"], 15);
    let verified = medrec(&["verify", "census", "--json"], folder.path());
    assert_eq!(json(&verified)["valid"], true);
    let table = folder.path().join("census/tables/population.csv");
    let mut bytes = std::fs::read(&table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&table, bytes).unwrap();
    let verified = medrec(&["verify", "census"], folder.path());
    assert_eq!(verified.status.code(), Some(5));
    // The converted records are gone.
    assert!(!folder.path().join("people.ledger/converted").exists());
}

#[test]
fn the_budget_ends_and_says_what_is_left() {
    let folder = population();
    json(&release(folder.path(), "3/4", "one"));
    let refused = release(folder.path(), "1/2", "two");
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(message.contains("is left"), "{message}");
    assert!(!folder.path().join("two").exists());
    // What was refused harms nothing: a cheaper one goes through.
    let cheaper = json(&release(folder.path(), "1/8", "three"));
    assert!(cheaper["left"].is_string());
    let same = release(folder.path(), "1/8", "three");
    assert_eq!(same.status.code(), Some(2), "a bundle was published twice");
}

#[test]
fn a_dry_run_charges_nothing_and_makes_nothing() {
    let folder = population();
    let mut arguments = RELEASE.to_vec();
    arguments.extend(["1/2", "--dry-run"]);
    let dry = json(&medrec(&arguments, folder.path()));
    assert_eq!(dry["is_affordable"], true);
    assert_eq!(dry["organisations"], 12);
    assert!(dry["measures"].as_array().unwrap().len() > 15);
    let entries = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(entries, 1, "a dry run left something behind");
}

#[test]
fn an_epsilon_with_a_delta_takes_the_noise_that_errs_less() {
    let folder = population();
    let dry = |workload: &str| {
        let mut arguments = RELEASE[..10].to_vec();
        arguments.extend(["--epsilon", "1", "--delta", "0.000001", "--workload", workload, "--dry-run"]);
        json(&medrec(&arguments, folder.path()))["measures"][0]["mechanism"].clone()
    };
    // One table, few rows a person: Laplace. Thirty vectors: Gaussian.
    assert_eq!(dry("mean-iron-last-week"), "discrete-laplace");
    assert_eq!(dry("census"), "discrete-gaussian");
}
