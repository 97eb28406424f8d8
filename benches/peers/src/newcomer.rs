//! `medrec-peers newcomer`: from a fresh clone to the end of the demo, as somebody sees it who has a toolchain and nothing else.
//!
//! The commit that is checked out is cloned into an empty folder, built there with the README's command, and the demo runs. Crates that
//! the package manager has on disk already are not fetched again.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use medrec_benches::utc::Utc;
use serde_json::Value;

use crate::arguments::NewcomerArguments;
use crate::document::{Document, Row};
use crate::progress::say;

/// Measures and saves the document.
pub(crate) fn run(arguments: &NewcomerArguments) -> anyhow::Result<()> {
    let root = std::path::absolute(&arguments.root)?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let clone = folder.path().join("medrec");
    let mut document = Document::new(
        "newcomer",
        Utc::now(),
        "cargo run --release -p medrec-peers -- newcomer",
        serde_json::json!({ "command": "cargo run --release -- demo", "crates": "fetched before, where they had been needed before" }),
    );
    let started = Instant::now();
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", "--no-local"]).arg(&root).arg(&clone);
    succeed("git clone", &mut git)?;
    say("built: cargo build --release");
    succeed("cargo build --release", cargo(&clone).args(["build", "--release"]))?;
    let build_seconds = started.elapsed().as_secs_f64();
    say(&format!("  {:.1} minutes; the demo", build_seconds / 60.0));
    let out = folder.path().join("out");
    let mut demo = cargo(&clone);
    demo.args(["run", "--release", "--quiet", "--", "demo", "--json", "--out"]).arg(&out);
    let answer = demo.stderr(std::process::Stdio::inherit()).output().context("the demo does not start")?;
    ensure!(answer.status.success(), "the demo ended with {}", answer.status);
    let outcome: Value = serde_json::from_slice(&answer.stdout).context("the demo's answer is no JSON")?;
    let told = |name: &str| outcome[name].as_f64().with_context(|| format!("the demo told no {name}"));
    let whole_seconds = started.elapsed().as_secs_f64();
    say(&format!("  {:.1} minutes in all", whole_seconds / 60.0));
    let figures = [
        ("build_minutes", build_seconds / 60.0),
        ("demo_seconds", told("seconds")?),
        ("blocks", told("blocks")?),
        ("bundles", told("bundles")?),
        ("whole_minutes", whole_seconds / 60.0),
    ];
    document.rows.push(Row::new("fresh clone to finished demo", "medrec", &figures));
    let path = document.save(&arguments.root, Utc::now())?;
    say(&format!("saved {}", path.display()));
    Ok(())
}

/// The package manager in a clone, with a target folder of the clone's own.
fn cargo(clone: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(clone);
    // What the caller's own run set would send the clone's output elsewhere.
    for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_MANIFEST_DIR"] {
        cargo.env_remove(name);
    }
    cargo
}

fn succeed(name: &str, command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{name} does not start"))?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}
