//! `medrec synth` as a user meets it: same bytes for the same seed, nothing overwritten, nothing half-written.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it like the test itself")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::tempdir;

fn synth(out: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medrec"));
    command.args(["synth", "--out", out.to_str().unwrap()]).args(arguments).output().unwrap()
}

/// Every file below `folder` with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_same_seed_gives_the_same_bytes_in_every_format_and_another_seed_does_not() {
    let folder = tempdir().unwrap();
    for format in ["synthea-csv", "fhir-ndjson", "omop", "omop-5.3", "parquet", "sqlite"] {
        let write = |name: &str, seed: &str| {
            let out = folder.path().join(format!("{format}-{name}"));
            let result = synth(&out, &["--persons", "60", "--seed", seed, "--format", format, "--json"]);
            assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
            let document: Value = serde_json::from_slice(&result.stdout).unwrap();
            assert_eq!((&document["rows"]["persons"], &document["format"]), (&60.into(), &format.into()));
            assert!(document["rows"]["encounters"].as_u64().unwrap() > 60);
            files(&out)
        };
        let first = write("first", "3");
        assert!(first.values().any(|bytes| bytes.len() > 1_000), "{format}");
        assert!(first == write("second", "3"), "{format}: the same seed");
        assert!(first != write("other", "4"), "{format}: another seed");
    }
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone_unless_forced() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("people");
    let write = |extra: &[&str]| synth(&out, &[&["--persons", "5", "--format", "parquet"], extra].concat());
    assert!(write(&[]).status.success());
    std::fs::write(out.join("mine.txt"), "mine").unwrap();
    let before = files(&out);
    let refused = write(&["--seed", "9"]);
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("hint: --force"));
    assert!(files(&out) == before);
    assert!(write(&["--seed", "9", "--force"]).status.success());
    let after = files(&out);
    assert_eq!(after["mine.txt"], b"mine");
    assert!(after != before);
}

#[test]
fn impossible_populations_are_refused_before_anything_is_written() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("people");
    for arguments in [&["--organisations", "0"][..], &["--years", "0"], &["--persons", "2000000000"]] {
        let refused = synth(&out, &[&["--format", "omop"], arguments].concat());
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("people");
    let mut child = Command::new(env!("CARGO_BIN_EXE_medrec"))
        .args(["synth", "--out", out.to_str().unwrap(), "--persons", "100000000", "--format", "parquet"])
        .spawn()
        .unwrap();
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    while entries() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(entries(), 0, "neither the folder nor what it is made from");
}
