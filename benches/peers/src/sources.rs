//! Where the sources of the rivals in C and C++ are found, and how their drivers are compiled.
//!
//! Nothing is fetched unless `medrec-peers fetch` is asked to: a benchmark must not need a network.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::progress::say;

/// Version of chfast's ethash as a Python package.
pub(crate) const CHFAST_VERSION: &str = "1.1.0";
/// Version of the crate that carries XKCP's sources.
const XKCP_SYS_VERSION: &str = "0.0.5";

/// Why a rival cannot take part.
#[derive(Debug, Clone)]
pub(crate) struct Absent {
    /// What is missing.
    pub(crate) reason: String,
    /// How to give it.
    pub(crate) hint: &'static str,
}

/// The folder of fetched sources and compiled drivers, inside the target folder.
pub(crate) fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    target.join("peers")
}

/// The unpacked sdist of chfast's ethash.
pub(crate) fn chfast() -> Result<PathBuf, Absent> {
    let given = std::env::var_os("MEDREC_CHFAST").map(PathBuf::from);
    let path = given.unwrap_or_else(|| folder().join(format!("ethash-{CHFAST_VERSION}")));
    present(
        path,
        "lib/ethash/ethash.cpp",
        "run `cargo run -p medrec-peers -- fetch`, or set MEDREC_CHFAST to the unpacked PyPI sdist ethash 1.1.0",
    )
}

/// A source tree of XKCP.
pub(crate) fn xkcp() -> Result<PathBuf, Absent> {
    let given = std::env::var_os("MEDREC_XKCP").map(PathBuf::from);
    present(
        given.unwrap_or_else(|| folder().join("XKCP")),
        "lib/low/KeccakP-1600-times8/AVX512/KeccakP-1600-times8-SIMD512.c",
        "run `cargo run -p medrec-peers -- fetch`, or set MEDREC_XKCP to a source tree of XKCP",
    )
}

fn present(path: PathBuf, witness: &str, hint: &'static str) -> Result<PathBuf, Absent> {
    if path.join(witness).is_file() {
        return Ok(path);
    }
    Err(Absent { reason: format!("its sources are not at {} (no {witness})", path.display()), hint })
}

/// Fetches both source trees.
pub(crate) fn fetch() -> anyhow::Result<()> {
    let folder = folder();
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let sdist = format!("ethash=={CHFAST_VERSION}");
    let download = ["-m", "pip", "download", "--no-binary", ":all:", "--no-deps", &sdist, "--dest", "."];
    run(Command::new("python3").args(download).current_dir(&folder))?;
    let archive = format!("ethash-{CHFAST_VERSION}.tar.gz");
    run(Command::new("tar").args(["-xzf", &archive]).current_dir(&folder))?;
    fetch_xkcp(&folder)?;
    for found in [chfast(), xkcp()] {
        match found {
            Ok(path) => say(&format!("have {}", path.display())),
            Err(absent) => bail!("fetched, and still {}", absent.reason),
        }
    }
    Ok(())
}

/// Takes XKCP's sources out of the crate that carries them, without building the crate: its build script
/// needs xsltproc and libclang, our driver does not.
fn fetch_xkcp(folder: &Path) -> anyhow::Result<()> {
    let package = folder.join("xkcp-fetch");
    std::fs::create_dir_all(package.join("src"))?;
    std::fs::write(package.join("src/lib.rs"), "")?;
    let manifest = format!(
        "[package]\nname = \"xkcp-fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\nxkcp-sys = \"={XKCP_SYS_VERSION}\"\n"
    );
    std::fs::write(package.join("Cargo.toml"), manifest)?;
    let mut command = Command::new("cargo");
    let output = command.args(["metadata", "--format-version", "1"]).current_dir(&package).output()?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let manifest = metadata["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["name"] == "xkcp-sys"))
        .and_then(|package| package["manifest_path"].as_str())
        .context("cargo metadata does not list xkcp-sys")?;
    let source = Path::new(manifest).with_file_name("XKCP");
    let destination = folder.join("XKCP");
    if destination.exists() {
        std::fs::remove_dir_all(&destination)?;
    }
    run(Command::new("cp").arg("-r").arg(&source).arg(&destination))
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{name} failed ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr))
}

/// One step of a driver's build: the C compiler on a rival's source, or the C++ compiler to the end.
pub(crate) fn compile(compiler: &str, arguments: &[String], folder: &Path) -> Result<(), Absent> {
    let hint = "install gcc and g++ (Debian: apt install build-essential)";
    let mut command = Command::new(compiler);
    command.args(arguments).current_dir(folder);
    run(&mut command)
        .map_err(|error| Absent { reason: format!("its driver does not compile: {error:#}"), hint })
}

/// A fresh folder for a driver's build.
pub(crate) fn build_folder(name: &str) -> Result<PathBuf, Absent> {
    let path = folder().join(format!("build-{name}"));
    let made = std::fs::create_dir_all(&path).and_then(|()| path.canonicalize());
    made.map_err(|error| Absent {
        reason: format!("cannot create {}: {error}", path.display()),
        hint: "make the target folder writable",
    })
}

/// A source file of our own drivers.
pub(crate) fn driver_source(name: &str) -> String {
    format!("{}/drivers/{name}", env!("CARGO_MANIFEST_DIR"))
}
