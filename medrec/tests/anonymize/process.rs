//! The command as a process, its answers, and the populations that it reads.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) fn medrec(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_medrec")).args(arguments).current_dir(folder).output().unwrap()
}

pub(crate) fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn shared(name: &str) -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("MEDREC_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("datasets").join(name);
    assert!(folder.is_dir(), "the shared dataset {} is missing; set MEDREC_SHARED", folder.display());
    folder
}

pub(crate) fn population() -> TempDir {
    let folder = TempDir::new().unwrap();
    let written = medrec(
        &["synth", "--out", "people", "--persons", "400", "--format", "synthea-csv", "--json"],
        folder.path(),
    );
    json(&written);
    folder
}

pub(crate) const RELEASE: [&str; 11] = [
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

pub(crate) fn release(folder: &Path, rho: &str, out: &str) -> Output {
    let mut arguments = RELEASE.to_vec();
    arguments.extend([rho, "--out", out]);
    medrec(&arguments, folder)
}
