//! `medrec synth`: a seeded synthetic population, written beside its place and moved there when it is
//! whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use clap::ValueEnum as _;
use indicatif::ProgressBar;
use medrec_datasets::Progress;
use medrec_datasets::synth::{self, SynthOptions, SynthReport};
use serde::Serialize;

use crate::args::SynthArguments;
use crate::exit::Usage;
use crate::interrupt;
use crate::shell::Shell;

/// What was written, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Written<'a> {
    out: &'a Path,
    format: String,
    seed: u64,
    organisations: u32,
    first_year: i32,
    years: u16,
    rows: Rows,
}

/// Rows of each kind.
#[derive(Debug, Serialize)]
struct Rows {
    persons: u64,
    encounters: u64,
    conditions: u64,
    measurements: u64,
    medications: u64,
    procedures: u64,
}

pub(super) fn run(arguments: &SynthArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let options = SynthOptions {
        first_year: arguments.first_year,
        years: arguments.years,
        ..SynthOptions::new(
            arguments.seed,
            arguments.persons,
            arguments.organisations,
            arguments.format.format(),
        )
    };
    let out = &arguments.out;
    let is_empty = is_empty(out)?;
    if !is_empty && !arguments.force {
        let text = format!("{} is not empty\n\nhint: --force replaces files of the same name", out.display());
        return Err(Usage(text).into());
    }
    let stop = interrupt::flag()?;
    let staging = Staging::beside(out)?;
    let bar = shell.bar("population", options.persons, "persons");
    let report = synth::run(&options, &staging.0, &Watch { bar: &bar, stop });
    bar.finish_and_clear();
    let report = report?;
    staging.move_to(out)?;
    tell(arguments, &report, shell)
}

/// Whether `out` is a folder without entries, or not there at all.
fn is_empty(out: &Path) -> anyhow::Result<bool> {
    if !out.exists() {
        return Ok(true);
    }
    let mut entries = fs::read_dir(out).with_context(|| format!("cannot read {}", out.display()))?;
    Ok(entries.next().is_none())
}

/// A folder beside the wanted one; deleted unless its content was moved there.
struct Staging(PathBuf);

impl Staging {
    fn beside(out: &Path) -> anyhow::Result<Self> {
        let name =
            out.file_name().ok_or_else(|| Usage(format!("--out {} names no folder", out.display())))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".partial-{}", std::process::id()));
        let path = out.with_file_name(hidden);
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    /// Moves every entry into `out`, in the place of entries of the same name.
    fn move_to(self, out: &Path) -> anyhow::Result<()> {
        let moved = || -> std::io::Result<()> {
            fs::create_dir_all(out)?;
            for entry in fs::read_dir(&self.0)? {
                let entry = entry?;
                let target = out.join(entry.file_name());
                // A folder cannot be moved over one that is not empty.
                if target.is_dir() {
                    fs::remove_dir_all(&target)?;
                }
                fs::rename(entry.path(), target)?;
            }
            Ok(())
        };
        moved().with_context(|| format!("cannot write into {}", out.display()))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nobody is left to tell; the name says what a folder that stays is.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The progress bar and the signals, as the library asks for them.
struct Watch<'b> {
    bar: &'b ProgressBar,
    stop: &'static AtomicBool,
}

impl Progress for Watch<'_> {
    fn stage(&self, _name: &str, total: Option<u64>) {
        self.bar.set_length(total.unwrap_or(0));
    }

    fn advance(&self, units: u64) {
        self.bar.inc(units);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn tell(arguments: &SynthArguments, report: &SynthReport, shell: &mut Shell) -> anyhow::Result<()> {
    let SynthReport { persons, encounters, conditions, measurements, medications, procedures } = *report;
    if shell.wants_json() {
        let format = arguments.format.to_possible_value();
        return shell.json(&Written {
            out: &arguments.out,
            format: format.map(|value| value.get_name().to_owned()).unwrap_or_default(),
            seed: arguments.seed,
            organisations: arguments.organisations,
            first_year: arguments.first_year,
            years: arguments.years,
            rows: Rows { persons, encounters, conditions, measurements, medications, procedures },
        });
    }
    shell.result(&format!(
        "{}: {persons} persons, {encounters} encounters, {conditions} conditions, {measurements} measurements, \
         {medications} medications, {procedures} procedures\n",
        arguments.out.display()
    ))
}
