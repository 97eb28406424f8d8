//! Bundles of made-up figures in the hands of other people's software: Python readers and a browser.
//!
//! The example `write_bundle` of the anonymizer writes them below the target folder; what is checked, and
//! how, stands in `anonymizer/oracles/`. Notebooks make their own bundle with the real command.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::oracles;
use crate::runner::Job;
use crate::tally::Tally;
use crate::workspace::Workspace;

/// Folder of the checks.
const ROOM: &str = "anonymizer/oracles";
/// The newest readers of everything in a bundle.
const NEWEST: &str = "requirements.txt";
/// Readers of tables as people have them installed.
const INSTALLED: &str = "requirements-readers.txt";
/// Shapes of bundles that the example writes.
const SHAPES: [&str; 3] = ["small", "foreign", "census"];

/// Writes one bundle of each shape; the tally is red when one could not be written.
fn write(workspace: &Workspace) -> Result<(Tally, Vec<PathBuf>)> {
    let mut folders = Vec::new();
    let mut tally = Tally::default();
    for shape in SHAPES {
        let folder = workspace.target.join("bundles").join(shape);
        let run = [
            "run",
            "--quiet",
            "--locked",
            "--package",
            "medrec-anonymizer",
            "--example",
            "write_bundle",
            "--",
        ];
        tally += Job::cargo(workspace, &run).args(&[&folder]).args(&[shape]).run()?;
        folders.push(folder);
    }
    Ok((tally, folders))
}

/// Descriptors and tables, read by the libraries that readers use.
pub(crate) fn oracles(workspace: &Workspace) -> Result<Tally> {
    let (mut tally, folders) = write(workspace)?;
    if tally.is_green() {
        for (requirements, script) in
            [(NEWEST, "check.py"), (NEWEST, "readers.py"), (INSTALLED, "readers.py")]
        {
            let [requirements, script] = [requirements, script].map(|name| Path::new(ROOM).join(name));
            tally += oracles::checked(workspace, &requirements, &script, &folders)?;
        }
    }
    Ok(tally)
}

/// Notebooks, executed as a reader would, over the command as this workspace builds it.
pub(crate) fn notebooks(workspace: &Workspace) -> Result<Tally> {
    let build = ["build", "--quiet", "--locked", "--package", "medrec"];
    let mut tally = Job::cargo(workspace, &build).run()?;
    if tally.is_green() {
        let folder = Path::new("notebooks");
        let medrec = workspace.target.join("debug/medrec");
        let (requirements, script) = (folder.join("requirements.txt"), folder.join("run.py"));
        tally += oracles::checked(workspace, &requirements, &script, &[medrec])?;
    }
    Ok(tally)
}

/// Reports, opened in Chromium.
pub(crate) fn report(workspace: &Workspace) -> Result<Tally> {
    let (mut tally, folders) = write(workspace)?;
    if tally.is_green() {
        let reports: Vec<String> =
            folders.iter().map(|folder| folder.join("report.html").to_string_lossy().into_owned()).collect();
        let script: Vec<&str> =
            ["report", "--"].into_iter().chain(reports.iter().map(String::as_str)).collect();
        tally += oracles::npm(workspace, ROOM, &script)?;
    }
    Ok(tally)
}
