//! Real clients deploy, write, read and follow events: ethers 6, viem and cast.
//!
//! Needs node 20 and npm, and a package registry the first time. `MEDREC_CLIENTS` names a folder in
//! which `oracle/clients/package.json` is installed already.

use crate::process::Process;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// A folder with the scripts and their packages.
fn clients() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/clients");
        let installed = std::env::var_os("MEDREC_CLIENTS").map(PathBuf::from);
        let folder =
            installed.clone().unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients"));
        std::fs::create_dir_all(&folder).unwrap();
        for entry in std::fs::read_dir(scripts).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_file() {
                std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
            }
        }
        if installed.is_none() {
            let install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
            let status = Command::new("npm").args(install).current_dir(&folder).status();
            let status = status.unwrap_or_else(|error| panic!("npm: {error}"));
            assert!(status.success(), "npm install failed: the clients need node 20 and a package registry");
        }
        folder
    })
}

fn run(script: &str) {
    let folder = TempDir::new().unwrap();
    let node = Process::start(folder.path(), &["--seal"]);
    let (http, ws) = (format!("http://{}", node.address), format!("ws://{}", node.address));
    let output = Command::new("node").current_dir(clients()).args([script, &http, &ws]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}:\n{said}\n{complained}");
}

#[test]
fn ethers_deploys_writes_reads_and_follows_events() {
    run("ethers.mjs");
}

#[test]
fn viem_deploys_writes_reads_and_follows_events() {
    run("viem.mjs");
}

#[test]
fn cast_deploys_writes_reads_and_traces() {
    run("cast.mjs");
}

#[test]
fn receipts_logs_and_storage_are_those_of_anvil() {
    run("differential.mjs");
}
