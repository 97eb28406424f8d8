//! `medrec-peers scale`: how time and memory grow, with rows, with persons, and in the ledger.
//!
//! - the job of `medrec bench anonymize` from one to a hundred million rows;
//! - the census of a synthetic population, with the memory that `medrec synth` and `medrec anonymize` take;
//! - the ledger when every person is charged for what she is in: the dearest case, since each has a row.

mod ledger;

use std::path::Path;
use std::process::Command;

use medrec_benches::definition::anonymize::{DEFAULT_SEED, Data, Release};
use medrec_benches::harness::Contender as _;
use medrec_benches::process::{Finished, measured};
use medrec_benches::statistics::as_f64;
use medrec_benches::utc::Utc;

use crate::anonymize::medrec;
use crate::arguments::ScaleArguments;
use crate::document::{Document, Row};
use crate::progress::say;
use crate::sources;

/// Mebibyte, for figures.
const MEBIBYTE: f64 = 1_048_576.0;

/// Measures and saves the document.
pub(crate) fn run(arguments: &ScaleArguments) -> anyhow::Result<()> {
    let home = std::path::absolute(sources::folder())?.join("scale");
    std::fs::create_dir_all(&home)?;
    let mut document = Document::new(
        "scale",
        Utc::now(),
        &format!("cargo run --release -p medrec-peers -- scale --persons {}", arguments.persons),
        serde_json::json!({
            "rows": arguments.rows, "samples": arguments.samples, "persons": arguments.persons,
            "rho": "1/2", "organisations": 200, "charged": arguments.charged,
        }),
    );
    for &rows in &arguments.rows {
        say(&format!("{rows} rows"));
        document.rows.push(release(&home, rows, arguments.samples)?);
    }
    if arguments.persons > 0 {
        say(&format!("census of {} persons", arguments.persons));
        document.rows.extend(census(&home, arguments.persons)?);
    }
    for &persons in &arguments.charged {
        say(&format!("ledger of {persons} persons"));
        document.rows.push(ledger::charged(&home, persons)?);
    }
    let path = document.save(&arguments.root, Utc::now())?;
    say(&format!("saved {}", path.display()));
    Ok(())
}

/// The job at one size; its rows are deleted afterwards.
fn release(home: &Path, rows: u64, samples: u32) -> anyhow::Result<Row> {
    let folder = home.join(format!("rows-{rows}"));
    let data = Data::in_folder(&folder, rows, DEFAULT_SEED)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut release = Release { program: medrec()?, data: &data, scratch: home.join("releases"), threads };
    let mut seconds = Vec::new();
    let mut peak = 0;
    // The first one reads the file into the system's cache.
    release.sample(1.0)?;
    for _ in 0..samples.max(1) {
        let sample = release.sample(1.0)?;
        seconds.push(sample.wall_seconds);
        peak = peak.max(sample.peak_memory_bytes.unwrap_or(0));
    }
    let row = Row::new(
        "rows",
        "medrec anonymize",
        &[
            ("rows", as_f64(rows)),
            ("persons", as_f64(data.shape.persons)),
            ("file_mib", as_f64(data.bytes()) / MEBIBYTE),
            ("wall_seconds", medrec_benches::statistics::median(&seconds).unwrap_or(f64::NAN)),
            ("peak_mib", as_f64(peak) / MEBIBYTE),
        ],
    );
    std::fs::remove_dir_all(&folder)?;
    Ok(row)
}

/// A synthetic population, and its census.
fn census(home: &Path, persons: u64) -> anyhow::Result<Vec<Row>> {
    let (people, scratch) = (home.join("people"), home.join("census"));
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch)?;
    }
    std::fs::create_dir_all(&scratch)?;
    let log = scratch.join("stderr.txt");
    let program = medrec()?;
    let mut synth = Command::new(&program);
    synth.args(["synth", "--quiet", "--force", "--format", "parquet", "--organisations", "200"]);
    synth.args(["--persons", &persons.to_string()]).arg("--out").arg(&people);
    let synth = measured("medrec synth", &mut synth, &log)?;
    let mut census = Command::new(&program);
    census.args(["anonymize", "--quiet", "--format", "parquet", "--workload", "census", "--rho", "1/2"]);
    census.args(["--from", "2020-01-01", "--until", "2025-01-01"]).arg("--data").arg(&people);
    census.arg("--ledger").arg(scratch.join("ledger")).arg("--out").arg(scratch.join("bundle"));
    let census = measured("medrec anonymize", &mut census, &log)?;
    let row = |engine: &str, finished: Finished| {
        Row::new(
            "census",
            engine,
            &[
                ("persons", as_f64(persons)),
                ("wall_seconds", finished.wall_seconds),
                ("peak_mib", as_f64(finished.peak_memory_bytes) / MEBIBYTE),
            ],
        )
    };
    let rows = vec![row("medrec synth", synth), row("medrec anonymize --workload census", census)];
    std::fs::remove_dir_all(&people)?;
    std::fs::remove_dir_all(&scratch)?;
    Ok(rows)
}
