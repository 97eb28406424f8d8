//! `medrec-peers census`: the census's tables of counts, by us and by rivals at the same rho, cell by cell.
//!
//! A synthetic population is released with `medrec anonymize --workload census` (small cells kept, so that every cell
//! can be compared). Each rival is handed rows whose cells are settled, the cells, the limit of rows a person, and
//! the rho that our plan spends on the table, all levels of the hierarchy together; it may spend it all on the cells. Errors are means over
//! the cells, and for totals by region over the sums of organisations' cells.

mod ours;
mod rivals;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use medrec_benches::accuracy::{Accuracy, Cells, Figure};
use medrec_benches::utc::Utc;

use crate::anonymize::{medrec, python};
use crate::arguments::CensusArguments;
use crate::document::{Document, Row};
use crate::progress::say;
use crate::sources;

use ours::{Ours, Released, Tables};

/// Loss of the whole census.
const RHO: &str = "1/2";

/// Runs everybody and saves the document.
pub(crate) fn run(arguments: &CensusArguments) -> anyhow::Result<()> {
    let home = std::path::absolute(sources::folder())?.join("census");
    let started_at = Utc::now();
    let program = medrec()?;
    let people = home.join("people");
    say(&format!("a population in {}", people.display()));
    let mut synth = Command::new(&program);
    synth.args([
        "synth",
        "--quiet",
        "--force",
        "--format",
        "parquet",
        "--seed",
        "7",
        "--organisations",
        "60",
    ]);
    sources::run(synth.args(["--persons", &arguments.persons.to_string()]).arg("--out").arg(&people))?;
    let flat = home.join("flat");
    let scripts = Path::new("benches/peers/python");
    let plain = python(&scripts.join("requirements-opendp.txt"))?;
    let mut rows = Command::new(plain);
    rows.arg(scripts.join("census_rows.py")).arg(&people).arg(&flat).arg("domain/workloads/census.toml");
    sources::run(&mut rows)?;

    let ours = Ours { program: &program, people: &people, home: &home, rho: RHO };
    let mut document = Document::new(
        "census",
        started_at,
        &format!("cargo run --release -p medrec-peers -- census --persons {}", arguments.persons),
        serde_json::json!({
            "persons": arguments.persons, "organisations": 60, "seed": 7, "rho": RHO,
            "rounds": arguments.rounds, "window": "2020-01-01 to 2025-01-01",
        }),
    );
    say("medrec");
    let first = ours.release()?;
    let exact = exact(&flat, &first)?;
    rivals::tables(&flat, &first)?;
    let mut errors = Errors::default();
    errors.add("medrec", &exact, &first.cells)?;
    errors.add_regions("medrec, consistent totals", &exact, &first.regions);
    errors.add_sums("medrec, sums of its organisations' noisy cells", &exact, &first.raw);
    for _ in 1..arguments.rounds {
        let released = ours.release()?;
        errors.add("medrec", &exact, &released.cells)?;
        errors.add_regions("medrec, consistent totals", &exact, &released.regions);
        errors.add_sums("medrec, sums of its organisations' noisy cells", &exact, &released.raw);
    }
    for rival in &rivals::RIVALS {
        say(rival.name);
        let rounds = if rival.is_slow { 1 } else { arguments.rounds };
        let answers: anyhow::Result<Vec<_>> = (0..rounds).map(|_| rival.run(&home, &flat)).collect();
        match answers {
            Ok(answers) => {
                for answer in &answers {
                    errors.add(rival.name, &exact, answer)?;
                    errors.add_sums(&format!("{}, sums of organisations' cells", rival.name), &exact, answer);
                }
            }
            Err(error) => document.missing.push(rival.missing(&error)),
        }
    }
    document.rows = errors.rows();
    let path = document.save(&arguments.root, Utc::now())?;
    say(&format!("saved {}", path.display()));
    Ok(())
}

/// Exact counts of all cells of the plan: those that the rows give, 0 elsewhere.
fn exact(flat: &Path, released: &Released) -> anyhow::Result<Tables> {
    let path = flat.join("exact.json");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let counts: BTreeMap<String, BTreeMap<String, f64>> = serde_json::from_str(&text)?;
    let mut tables = Tables::new();
    for (table, counts) in counts {
        let own = released.cells.get(&table).with_context(|| format!("no table {table} was released"))?;
        let mut cells: Cells = own.keys().map(|cell| (cell.clone(), Figure::default())).collect();
        for (cell, count) in counts {
            let Some(figure) = cells.get_mut(&cell) else { bail!("table {table} has no cell {cell}") };
            figure.count = count;
        }
        tables.insert(table, cells);
    }
    Ok(tables)
}

/// Errors by table and engine, one a round.
#[derive(Default)]
struct Errors {
    cells: BTreeMap<(String, String), Vec<Accuracy>>,
}

impl Errors {
    fn add(&mut self, engine: &str, exact: &Tables, answer: &Tables) -> anyhow::Result<()> {
        for (table, exact) in exact {
            let own = answer.get(table).with_context(|| format!("{engine} gave no table {table}"))?;
            if let Some(cell) = exact.keys().find(|cell| !own.contains_key(*cell)) {
                bail!("{engine} gave no cell {cell} of table {table}");
            }
            self.push(table, engine, exact, own);
        }
        Ok(())
    }

    fn push(&mut self, table: &str, engine: &str, exact: &Cells, answer: &Cells) {
        let accuracy = Accuracy::of(exact, answer, (0.0, 0.0));
        self.cells.entry((table.to_owned(), engine.to_owned())).or_default().push(accuracy);
    }

    /// Totals of encounters by region, as released.
    fn add_regions(&mut self, engine: &str, exact: &Tables, regions: &Cells) {
        if let Some(exact) = exact.get("encounters") {
            self.push("encounters by region", engine, &ours::by_region(exact), regions);
        }
    }

    /// Totals of encounters by region, as sums of organisations' cells.
    fn add_sums(&mut self, engine: &str, exact: &Tables, answer: &Tables) {
        if let (Some(exact), Some(answer)) = (exact.get("encounters"), answer.get("encounters")) {
            self.push("encounters by region", engine, &ours::by_region(exact), &ours::by_region(answer));
        }
    }

    fn rows(&self) -> Vec<Row> {
        let row = |((table, engine), all): (&(String, String), &Vec<Accuracy>)| {
            let mean = Accuracy::mean(all)?;
            #[expect(clippy::cast_precision_loss, reason = "thousands of cells, a few rounds")]
            let (cells, rounds) = (mean.cells as f64, all.len() as f64);
            let figures = [
                ("cells", cells),
                ("rounds", rounds),
                ("mean_absolute_error", mean.count_error),
                ("total_bias", mean.total_bias),
            ];
            Some(Row::new(table, engine, &figures))
        };
        self.cells.iter().filter_map(row).collect()
    }
}
