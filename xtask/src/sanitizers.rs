//! The kernels' tests under tools that watch memory: the address sanitizer on every run, miri where a
//! nightly toolchain has it. OpenCL is left out of both: its drivers are outside programs that
//! neither tool can see into.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::runner::Job;
use crate::tally::Tally;
use crate::workspace::Workspace;

const PACKAGE: &str = "medrec-kernels";
const FOLDER: &str = "kernels";
/// Tests whose path, or whose file below `tests/`, begins with or contains this word drive OpenCL.
const OPENCL: &str = "opencl";
/// Tests that limit their own address space: the sanitizer's shadow memory alone is larger than any such limit.
const LITTLE_MEMORY: &str = "little_memory";

/// Runs the kernels' unit and integration tests under the address sanitizer.
///
/// The stable toolchain ships the sanitizer's run-time library, but not the flag: `RUSTC_BOOTSTRAP`
/// opens it. Standard library and target are the host's own.
pub(crate) fn address(workspace: &Workspace) -> Result<Tally> {
    let host = host()?;
    let library = Path::new(&rustc(&["--print", "sysroot"])?).join("lib/rustlib").join(&host).join("lib");
    if !has_runtime(&library, "asan") {
        bail!(
            "this toolchain has no address sanitizer for {host}\n\nhint: install the toolchain with rustup \
             on x86_64 or aarch64 Linux with glibc, or run `cargo xtask test --quick`"
        );
    }
    let mut job =
        Job::cargo(workspace, &["test", "--package", PACKAGE, "--locked", "--no-fail-fast", "--lib"])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Zsanitizer=address")
            .env("CARGO_TARGET_DIR", workspace.target.join("address-sanitizer"))
            .args(&["--target", &host]);
    for target in test_targets(&workspace.root.join(FOLDER).join("tests"))? {
        job = job.args(&["--test", &target]);
    }
    job.args(&["--", "--skip", OPENCL, "--skip", LITTLE_MEMORY]).run()
}

/// Runs the kernels' scalar paths under miri.
pub(crate) fn miri(workspace: &Workspace) -> Result<Tally> {
    let here = crate::setup::answers("rustup", &["run", "nightly", "cargo", "miri", "--version"]);
    if !here {
        bail!(
            "miri is missing\n\nhint: rustup toolchain install nightly --component miri rust-src, then run \
             this again"
        );
    }
    Job::new(workspace, "rustup")
        .args(&["run", "nightly", "cargo", "miri", "test", "--package", PACKAGE, "--lib", "--"])
        .args(&["--skip", OPENCL])
        .without_env("CARGO")
        .without_env("RUSTUP_TOOLCHAIN")
        // Property tests read their regressions from disk, which miri's isolation forbids.
        .env("MIRIFLAGS", "-Zmiri-disable-isolation")
        .env("CARGO_TARGET_DIR", workspace.target.join("miri"))
        .run()
}

fn has_runtime(library: &Path, sanitizer: &str) -> bool {
    let marker = format!("_rt.{sanitizer}.");
    std::fs::read_dir(library).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains(&marker))
    })
}

/// The integration tests below `tests`, OpenCL's left out: `name.rs`, or `name/main.rs`.
fn test_targets(tests: &Path) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    let Ok(entries) = std::fs::read_dir(tests) else { return Ok(targets) };
    for entry in entries {
        let path = entry.with_context(|| format!("{} cannot be read", tests.display()))?.path();
        let is_target =
            path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").is_file();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if is_target && !name.contains(OPENCL) {
            targets.push(name);
        }
    }
    targets.sort();
    Ok(targets)
}

fn host() -> Result<String> {
    let version = rustc(&["--version", "--verbose"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc").args(arguments).output().context("rustc could not be started")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_integration_test_but_opencls_is_run() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("engines.rs"), "").unwrap();
        fs::write(folder.path().join("opencl_search.rs"), "").unwrap();
        fs::write(folder.path().join("vectors.json"), "").unwrap();
        fs::create_dir(folder.path().join("disk")).unwrap();
        fs::write(folder.path().join("disk/main.rs"), "").unwrap();
        fs::create_dir(folder.path().join("helpers")).unwrap();
        assert_eq!(test_targets(folder.path()).unwrap(), ["disk", "engines"]);
    }

    #[test]
    fn a_toolchain_without_the_runtime_is_recognised() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_runtime(folder.path(), "asan"));
        fs::write(folder.path().join("librustc-stable_rt.asan.a"), "").unwrap();
        assert!(has_runtime(folder.path(), "asan"));
    }
}
