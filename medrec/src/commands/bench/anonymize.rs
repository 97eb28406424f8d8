//! `medrec bench anonymize`.

use std::path::PathBuf;

use anyhow::Context as _;
use medrec_benches::definition::anonymize::{Data, EPSILON, ROWS_PER_PERSON, Release};
use medrec_benches::harness::{Entry, Plan};

use super::measure::{About, measure};
use super::plan::Sampling;
use crate::args::BenchAnonymizeArguments;
use crate::exit::Usage;
use crate::shell::Shell;

/// Fewer rows hold too few persons to tell an answer from noise; more do not fit 32-bit numbers of rows.
const ROWS: std::ops::RangeInclusive<u64> = 100_000..=1_000_000_000;

pub(super) fn run(arguments: &BenchAnonymizeArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let rows = arguments.rows;
    if !ROWS.contains(&rows) {
        let text = format!("--rows {rows}: between {} and {}", ROWS.start(), ROWS.end());
        return Err(Usage(text).into());
    }
    if arguments.samples == 0 {
        return Err(Usage("--samples 0: at least one sample is needed".to_owned()).into());
    }
    let scratch = tempfile::tempdir().context("cannot make a folder for the releases")?;
    let folder = arguments.data.clone().unwrap_or_else(|| scratch.path().join("data"));
    shell.status(&format!("rows in {}", folder.display()));
    let data = Data::in_folder(&folder, rows, arguments.seed)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let release =
        Release { program: program()?, data: &data, scratch: scratch.path().join("releases"), threads };
    let entries = vec![Entry { contender: Box::new(release), limit: None }];
    let sampling = Sampling {
        // A release cannot be cut; the checked one before the first sample warms up.
        plan: Plan { samples: arguments.samples, sample_seconds: 1.0, warm_up_seconds: 0.0 },
        threads: vec![threads],
        engines: Vec::new(),
        save_to: arguments.save.then(|| arguments.record_dir.clone()),
    };
    let about = About {
        benchmark: "anonymize",
        headline: "anonymize",
        title: format!("medrec anonymize, {rows} rows of {} persons", data.shape.persons),
        workload: serde_json::json!({
            "rows": data.shape.rows,
            "persons": data.shape.persons,
            "rows_beyond_limit": data.shape.rows_beyond_limit,
            "seed": data.shape.seed,
            "generator": data.shape.generator,
            "file_bytes": data.bytes(),
            "rows_per_person": ROWS_PER_PERSON,
            "epsilon": EPSILON,
            "includes": "process start, reading, bounding, noise, ledger, bundle and report",
        }),
        device: None,
        missing: Vec::new(),
    };
    measure(&sampling, about, Vec::new(), entries, shell)
}

/// This binary.
fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find this binary")
}
