//! Python environments of the rivals, made by `cargo xtask python` below the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// The interpreter of a requirements file; its packages are installed at the first use.
pub(crate) fn python(requirements: &Path) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["xtask", "python"]).arg(requirements).args(["-c", "import sys; print(sys.executable)"]);
    let output = command.output().context("cannot start cargo")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = text.lines().rev().take(6).collect();
        let tail: Vec<&str> = lines.into_iter().rev().collect();
        bail!("{} could not be installed: {}", requirements.display(), tail.join(" / "));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let path = text.lines().last().map(str::trim).filter(|line| !line.is_empty());
    Ok(path.context("cargo xtask python told no interpreter")?.into())
}
