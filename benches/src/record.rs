//! Records: what a run leaves behind, as one JSON document with a version.
//!
//! The schema is `benches/schema/record.schema.json`, explained in docs/BENCHMARKS.md. Records are never
//! overwritten: a second run in the same second gets a number behind its time.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::BenchError;
use crate::harness::{Measurement, Origin, Outcome, Plan};
use crate::machine::Machine;
use crate::noise::Noise;
use crate::utc::Utc;

/// The version that this code writes and reads. It changes when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON schema of a record, for whoever checks one.
pub const SCHEMA: &str = include_str!("../schema/record.schema.json");

/// A contender that could not take part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Who.
    pub engine: String,
    /// What it would have done.
    pub measure: String,
    /// What is missing.
    pub reason: String,
    /// How to give it.
    pub hint: String,
}

/// The best of our engines in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Best {
    /// The engine's name.
    pub engine: String,
    /// What it does.
    pub measure: String,
    /// One unit of its work.
    pub unit: String,
    /// Its threads.
    pub threads: usize,
    /// Its pages, where they matter.
    pub pages: Option<String>,
}

/// What was measured: one run of one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The median rate of the best engine, in units of its work per second.
    pub hashrate_hps: f64,
    /// The median rate of the limit that the best engine is held against, in the same units.
    pub limit_hps: Option<f64>,
    /// The median of the best engine's paired ratios to that limit.
    pub ratio_to_limit: Option<f64>,
    /// Which engine that is.
    pub best: Best,
    /// Always [`SCHEMA_VERSION`] in records written by this code.
    pub schema_version: u32,
    /// `keccak`, `ethash` or `dag`.
    pub benchmark: String,
    /// What the work was (message length, epoch, dataset size …), in words and figures.
    pub workload: serde_json::Value,
    /// Start of the run, RFC 3339 in UTC.
    pub started_at: String,
    /// Version of medrec.
    pub version: String,
    /// The command that repeats the run.
    pub command: String,
    /// How much was sampled.
    pub plan: Plan,
    /// Where.
    pub machine: Machine,
    /// How quiet it was there.
    pub noise: Noise,
    /// Everything measured: limits, our engines, peers.
    pub results: Vec<Measurement>,
    /// Who could not take part, and why.
    pub missing: Vec<Missing>,
}

/// What a record says beside its measurements.
#[derive(Debug, Clone)]
pub struct Context {
    /// `keccak`, `ethash` or `dag`.
    pub benchmark: String,
    /// Measure whose fastest engine is the record's best.
    pub headline: String,
    /// What the work was.
    pub workload: serde_json::Value,
    /// Start of the run.
    pub started_at: Utc,
    /// The command that repeats the run.
    pub command: String,
    /// How much was sampled.
    pub plan: Plan,
    /// Where.
    pub machine: Machine,
    /// Who could not take part.
    pub missing: Vec<Missing>,
}

impl Record {
    /// Puts an outcome into its context.
    ///
    /// # Errors
    /// [`BenchError::Plan`] when none of our engines did the headline's work.
    pub fn new(context: Context, outcome: Outcome) -> Result<Self, BenchError> {
        let best = outcome
            .measurements
            .iter()
            .filter(|m| m.identity.origin == Origin::Medrec && m.identity.measure == context.headline)
            .max_by(|a, b| a.rate.median.total_cmp(&b.rate.median))
            .ok_or(BenchError::Plan { reason: "no engine of medrec was measured" })?;
        let identity = &best.identity;
        let limit = outcome.measurements.iter().find(|m| {
            m.identity.origin == Origin::Limit
                && m.identity.measure == identity.measure
                && m.identity.threads == identity.threads
                && m.identity.pages == identity.pages
        });
        Ok(Self {
            hashrate_hps: best.rate.median,
            limit_hps: limit.filter(|_| best.ratio_to_limit.is_some()).map(|limit| limit.rate.median),
            ratio_to_limit: best.ratio_to_limit.map(|ratio| ratio.median),
            best: Best {
                engine: identity.engine.clone(),
                measure: identity.measure.clone(),
                unit: identity.unit.clone(),
                threads: identity.threads,
                pages: identity.pages.clone(),
            },
            schema_version: SCHEMA_VERSION,
            benchmark: context.benchmark,
            workload: context.workload,
            started_at: context.started_at.to_rfc3339(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: context.command,
            plan: context.plan,
            machine: context.machine,
            noise: outcome.noise,
            results: outcome.measurements,
            missing: context.missing,
        })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`BenchError::Io`], [`BenchError::Format`], and [`BenchError::SchemaVersion`] for records of
    /// another version.
    pub fn load(path: &Path) -> Result<Self, BenchError> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let text =
            fs::read_to_string(path).map_err(|source| BenchError::Io { path: path.to_owned(), source })?;
        let format = |source| BenchError::Format { path: path.to_owned(), source };
        let found = serde_json::from_str::<Version>(&text).map_err(format)?.schema_version;
        if found != SCHEMA_VERSION {
            return Err(BenchError::SchemaVersion { path: path.to_owned(), found, expected: SCHEMA_VERSION });
        }
        serde_json::from_str(&text).map_err(format)
    }

    /// The record as a JSON document with a final line break.
    ///
    /// # Errors
    /// Those of the serialiser, as [`io::Error`].
    pub fn to_json(&self) -> io::Result<String> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Writes the record to `folder/<device>/<benchmark>-<time>.json` and returns that path.
    ///
    /// # Errors
    /// [`BenchError::Io`] with the path that could not be written.
    pub fn save(&self, folder: &Path, at: Utc) -> Result<PathBuf, BenchError> {
        let folder = folder.join(self.machine.slug());
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| BenchError::Io { path, source }
        };
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let text = self.to_json().map_err(failed(&folder))?;
        let stem = format!("{}-{}", at.to_file_stem(), self.benchmark);
        for attempt in 1_u32.. {
            let name = if attempt == 1 { format!("{stem}.json") } else { format!("{stem}-{attempt}.json") };
            let path = folder.join(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    file.write_all(text.as_bytes()).map_err(failed(&path))?;
                    return Ok(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&path)(error)),
            }
        }
        Err(BenchError::Plan { reason: "every file name for the record is taken" })
    }
}
