//! `medrec anonymize` and `medrec verify` as a user runs them: on a synthetic population, and on the shared
//! datasets, which lie beside the project at `MEDREC_SHARED` or in `../shared`. A test that needs them fails where they are
//! not.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test that calls them")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn medrec(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_medrec")).args(arguments).current_dir(folder).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn shared(name: &str) -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("MEDREC_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("datasets").join(name);
    assert!(folder.is_dir(), "the shared dataset {} is missing; set MEDREC_SHARED", folder.display());
    folder
}

fn population() -> TempDir {
    let folder = TempDir::new().unwrap();
    let written = medrec(
        &["synth", "--out", "people", "--persons", "400", "--format", "synthea-csv", "--json"],
        folder.path(),
    );
    json(&written);
    folder
}

const RELEASE: [&str; 11] = [
    "anonymize",
    "--data",
    "people",
    "--format",
    "synthea-csv",
    "--from",
    "2020-01-01",
    "--until",
    "2025-01-01",
    "--json",
    "--rho",
];

fn release(folder: &Path, rho: &str, out: &str) -> Output {
    let mut arguments = RELEASE.to_vec();
    arguments.extend([rho, "--out", out]);
    medrec(&arguments, folder)
}

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

fn releases_and_verifies(name: &str, format: &str) {
    let data = shared(name);
    let folder = TempDir::new().unwrap();
    let data = data.to_str().unwrap();
    let released = medrec(
        &[
            "anonymize",
            "--data",
            data,
            "--format",
            format,
            "--rho",
            "1/2",
            "--ledger",
            "ledger",
            "--out",
            "out",
            "--json",
        ],
        folder.path(),
    );
    json(&released);
    assert_eq!(json(&medrec(&["verify", "out", "--json"], folder.path()))["valid"], true);
}

#[test]
fn syntheas_sample_of_massachusetts_makes_a_valid_bundle() {
    releases_and_verifies("synthea-ma-csv", "synthea-csv");
}

#[test]
fn a_fhir_bulk_export_makes_a_valid_bundle() {
    releases_and_verifies("fhir-r4-ndjson", "fhir-ndjson");
}

#[test]
fn an_omop_database_makes_a_valid_bundle() {
    releases_and_verifies("omop-gibleed-5.3", "omop");
}
