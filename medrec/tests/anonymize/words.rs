//! What the command says: progress to stderr, one document to stdout, and refusals in words that help.

use std::fs;
use std::path::Path;

use medrec_domain::Rho;

use crate::process::{RELEASE, json, medrec, population, release};

/// A run that has to fail: its exit code and what it said.
fn refused(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let output = medrec(arguments, folder);
    assert!(!output.status.success() && output.stdout.is_empty(), "a refusal printed a result");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn json_is_alone_on_stdout_and_no_bar_is_drawn_where_nobody_watches() {
    let folder = population();
    let released = release(folder.path(), "1/8", "one");
    let document = json(&released);
    for key in [
        "out",
        "report",
        "manifest",
        "rho",
        "epsilon",
        "tables",
        "withheld",
        "rows_skipped",
        "ledger",
        "cap",
        "spent",
        "left",
    ] {
        assert!(!document[key].is_null(), "{key} is missing");
    }
    assert!(released.stderr.is_empty(), "{}", String::from_utf8_lossy(&released.stderr));
    let mut quiet: Vec<&str> = RELEASE.iter().copied().filter(|word| *word != "--json").collect();
    quiet.extend(["1/8", "--out", "two"]);
    let spoken = medrec(&quiet, folder.path());
    let text = String::from_utf8(spoken.stdout).unwrap();
    assert!(spoken.status.success() && text.contains("left"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\r'), "a bar or a colour went to stdout");
}

#[test]
fn what_a_dry_run_forecasts_is_what_the_release_states() {
    let folder = population();
    let mut arguments = RELEASE.to_vec();
    arguments.extend(["1/4", "--dry-run"]);
    let dry = json(&medrec(&arguments, folder.path()));
    let released = json(&release(folder.path(), "1/4", "out"));
    assert_eq!(dry["rho"], released["rho"]);
    assert_eq!(dry["epsilon"], released["epsilon"]);
    // The ledger has been charged by now, and the next dry run knows.
    let after = json(&medrec(&arguments, folder.path()));
    assert_eq!(after["left"], released["left"]);
    assert_eq!(after["measures"], dry["measures"]);
}

/// Refused before anything is read or charged: the data do not even have to be there.
#[test]
fn refusals_name_the_thing_and_leave_the_ledger_as_it_was() {
    let folder = population();
    let first = json(&release(folder.path(), "1/2", "first"));
    let base = RELEASE.to_vec();
    let with = |rest: &[&'static str]| -> (Option<i32>, String) {
        let arguments = [&base[..10], rest].concat();
        refused(&arguments, folder.path())
    };
    let (code, text) = with(&["--rho", "0", "--out", "no"]);
    assert!(code != Some(0) && !text.is_empty(), "a free release: {text}");
    let (code, text) = with(&["--rho", "-1", "--out", "no"]);
    assert_eq!(code, Some(2), "{text}");
    let (code, text) = with(&["--rho", "1/4", "--workload", "no-such-query", "--out", "no"]);
    assert!(code.is_some() && text.contains("no-such-query"), "{text}");
    let (code, text) = with(&["--rho", "3/4", "--out", "no"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("is left"), "{text}");
    fs::write(folder.path().join("broken.toml"), "name = \"x\"\nversion = 1\ntitle = 7\n").unwrap();
    let (_, text) = with(&["--rho", "1/4", "--workload", "broken.toml", "--out", "no"]);
    assert!(text.contains("broken.toml:3"), "{text}");
    assert!(!folder.path().join("no").exists());
    // All of that cost nothing: what was left can still be spent, but for what rounding keeps back.
    let left = |released: &serde_json::Value| -> Rho { released["left"].as_str().unwrap().parse().unwrap() };
    let rest = json(&release(folder.path(), first["left"].as_str().unwrap(), "rest"));
    assert!(left(&rest) < Rho::from_ratio(1, 1_000_000).unwrap(), "{rest}");
}

#[test]
fn a_broken_row_stops_the_release_before_it_is_charged_and_can_be_skipped() {
    let folder = population();
    let path = folder.path().join("people/conditions.csv");
    let text = fs::read_to_string(&path).unwrap();
    let rest = text.lines().nth(1).unwrap().split_once(',').unwrap().1;
    let text = format!("{text}yesterday,{rest}\n");
    fs::write(&path, text).unwrap();
    let mut arguments = RELEASE.to_vec();
    arguments.extend(["1/8", "--out", "out"]);
    let (code, words) = refused(&arguments, folder.path());
    assert_eq!(code, Some(1));
    assert!(words.contains("conditions.csv:") && words.contains("yesterday"), "{words}");
    arguments.extend(["--on-bad-row", "skip"]);
    let released = json(&medrec(&arguments, folder.path()));
    assert_eq!(released["rows_skipped"], 1);
    assert_eq!(released["spent"], released["rho"], "the run that failed was charged too");
}
