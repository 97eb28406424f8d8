//! The script of docs/CHAIN.md against the command of docs/CHAIN.md.
//!
//! Needs node 20 and npm, and a package registry the first time. `MEDREC_CLIENTS` names a folder in which
//! `node/oracle/clients/package.json` is installed already.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Running;

/// A folder with the scripts and their packages.
fn clients() -> PathBuf {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node/oracle/clients");
    let installed = std::env::var_os("MEDREC_CLIENTS").map(PathBuf::from);
    let is_installed = installed.is_some();
    let folder =
        installed.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients-of-the-binary"));
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "contract.mjs", "ethers.mjs"] {
        std::fs::copy(scripts.join(name), folder.join(name)).unwrap();
    }
    if !is_installed {
        let install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
        let status = Command::new("npm").args(install).current_dir(&folder).status().unwrap();
        assert!(status.success(), "npm install failed: ethers needs node 20 and a package registry");
    }
    folder
}

#[test]
fn the_ethers_script_of_the_documentation_runs_against_a_development_chain() {
    let node = Running::start(&["--dev"]);
    let urls = ["http", "ws"].map(|kind| node.ready[kind].as_str().unwrap().to_owned());
    let output = Command::new("node").current_dir(clients()).arg("ethers.mjs").args(urls).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for step in ["code is there", "written, one log", "event followed", "read back"] {
        assert!(said.contains(&format!("ok: http: {step}")), "{said}");
        assert!(said.contains(&format!("ok: ws: {step}")), "{said}");
    }
    assert_eq!(node.stop().0, Some(0));
}
