//! `medrec-peers anonymize`: the job of `medrec bench anonymize`, by us and by every rival in one run.
//!
//! Two records come of it: those who need seconds take several turns beside polars without privacy as their limit,
//! those who need minutes take one.

mod environment;
mod rivals;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, bail};
use medrec_benches::definition::anonymize::{Data, EPSILON, ROWS_PER_PERSON, Release};
use medrec_benches::harness::{self, Contender, Entry, Event, Plan};
use medrec_benches::machine::Machine;
use medrec_benches::record::{Context, Missing, Record};
use medrec_benches::utc::Utc;

pub(crate) use environment::python;
use rivals::{LIMIT, RIVALS, Rival, Script, Speed};

use crate::arguments::AnonymizeArguments;
use crate::progress::say;
use crate::sources;

/// Rows on which a rival has to show that it works before it is given the whole job.
const TRIAL_ROWS: u64 = 100_000;

/// Runs everybody and saves the records.
pub(crate) fn run(arguments: &AnonymizeArguments) -> anyhow::Result<()> {
    let home = std::path::absolute(sources::folder())?.join("anonymize");
    std::fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    say(&format!("rows in {}", home.display()));
    let data =
        Data::in_folder(&home.join(format!("rows-{}", arguments.rows)), arguments.rows, arguments.seed)?;
    let trial = Data::in_folder(&home.join("trial"), TRIAL_ROWS, arguments.seed)?;
    let run = Run { arguments, data: &data, trial: &trial, home: &home, program: medrec()? };
    for (speed, samples) in [(Speed::Seconds, arguments.samples), (Speed::Minutes, 1)] {
        let scripts: Vec<&Script> = RIVALS
            .iter()
            .filter(|script| script.speed == speed)
            .filter(|script| {
                arguments.only.is_empty() || arguments.only.iter().any(|name| name == script.short)
            })
            .collect();
        if scripts.is_empty() {
            continue;
        }
        let record = run.record(&scripts, samples)?;
        let path = record.save(&arguments.root.join("benches/record"), Utc::now())?;
        say(&format!("saved {}", path.display()));
    }
    Ok(())
}

/// The binary beside this one.
pub(crate) fn medrec() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("medrec");
    if path.is_file() {
        return Ok(path);
    }
    bail!("{} is not there\n\nhint: cargo build --release -p medrec", path.display());
}

struct Run<'a> {
    arguments: &'a AnonymizeArguments,
    data: &'a Data,
    trial: &'a Data,
    home: &'a Path,
    program: PathBuf,
}

impl Run<'_> {
    fn record(&self, scripts: &[&Script], samples: u32) -> anyhow::Result<Record> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let started_at = Utc::now();
        let mut missing = Vec::new();
        let mut limits: Vec<Box<dyn Contender + '_>> = Vec::new();
        if let Some(limit) = self.rival(&LIMIT, threads, &mut missing) {
            limits.push(Box::new(limit));
        }
        let ours = Release {
            program: self.program.clone(),
            data: self.data,
            scratch: self.home.join("releases"),
            threads,
        };
        let mut entries = vec![Entry { contender: Box::new(ours), limit: (!limits.is_empty()).then_some(0) }];
        for script in scripts {
            if let Some(rival) = self.rival(script, threads, &mut missing) {
                entries.push(Entry { contender: Box::new(rival), limit: None });
            }
        }
        let plan = Plan { samples, sample_seconds: 1.0, warm_up_seconds: 0.0 };
        let stop = AtomicBool::new(false);
        let outcome = harness::run(limits, entries, &plan, &stop, &mut |event| {
            if let Event::Sampled { identity, rate } = event {
                say(&format!("  {}: {rate:.0} rows/s", identity.label()));
            }
        })?;
        let context = Context {
            benchmark: "anonymize".to_owned(),
            headline: "anonymize".to_owned(),
            workload: serde_json::json!({
                "rows": self.data.shape.rows,
                "persons": self.data.shape.persons,
                "rows_beyond_limit": self.data.shape.rows_beyond_limit,
                "seed": self.data.shape.seed,
                "generator": self.data.shape.generator,
                "file_bytes": self.data.bytes(),
                "rows_per_person": ROWS_PER_PERSON,
                "epsilon": EPSILON,
                "includes": "ours: process start, ledger, bundle and report; rivals: the job alone, without start and imports",
            }),
            started_at,
            command: format!(
                "cargo run --release -p medrec-peers -- anonymize --rows {}",
                self.arguments.rows
            ),
            plan,
            machine: Machine::describe(),
            missing,
        };
        Ok(Record::new(context, outcome)?)
    }

    /// A rival that has shown on few rows that it works; else its name and what is missing.
    fn rival<'r>(
        &'r self,
        script: &'r Script,
        threads: usize,
        missing: &mut Vec<Missing>,
    ) -> Option<Rival<'r>> {
        say(&format!("preparing {}", script.name));
        let tried = python(&script.requirements()).and_then(|python| {
            let mut rival =
                Rival { script, python, data: self.trial, scratch: self.home.join("rivals"), threads };
            rival.sample(1.0)?;
            rival.data = self.data;
            Ok(rival)
        });
        match tried {
            Ok(rival) => Some(rival),
            Err(error) => {
                say(&format!("  missing: {error:#}"));
                missing.push(Missing {
                    engine: script.name.to_owned(),
                    measure: "anonymize".to_owned(),
                    reason: format!("{error:#}"),
                    hint: format!("cargo xtask python {} -c pass", script.requirements().display()),
                });
                None
            }
        }
    }
}
