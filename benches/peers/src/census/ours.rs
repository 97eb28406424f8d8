//! Our census: one release, its published cells, its totals by region, its noisy integers.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use medrec_benches::accuracy::{Cells, Figure};

use crate::sources;

/// Cells by table.
pub(super) type Tables = BTreeMap<String, Cells>;

/// Tables that are compared, and whether they count persons.
pub(super) const TABLES: [(&str, bool); 5] = [
    ("population", true),
    ("population-by-race", true),
    ("conditions", true),
    ("conditions-by-age", true),
    ("encounters", false),
];

/// How releases are made.
pub(super) struct Ours<'a> {
    pub(super) program: &'a Path,
    pub(super) people: &'a Path,
    pub(super) home: &'a Path,
    pub(super) rho: &'a str,
}

/// One release.
pub(super) struct Released {
    /// Published finest cells by table.
    pub(super) cells: Tables,
    /// Noisy integers of the finest cells by table.
    pub(super) raw: Tables,
    /// Published totals of encounters by region and class.
    pub(super) regions: Cells,
    /// Rows a person and rho of the compared measure, by table.
    pub(super) limits: BTreeMap<String, (u64, f64)>,
}

impl Ours<'_> {
    pub(super) fn release(&self) -> anyhow::Result<Released> {
        let scratch = self.home.join("release");
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch)?;
        }
        std::fs::create_dir_all(&scratch)?;
        // A withheld cell could not be compared.
        let text = std::fs::read_to_string("domain/workloads/census.toml")
            .context("run this in the project's folder")?;
        let workload = scratch.join("census.toml");
        std::fs::write(&workload, text.replace("small_cell_threshold = 11", "small_cell_threshold = 0"))?;
        let bundle = scratch.join("bundle");
        let mut command = Command::new(self.program);
        command.args(["anonymize", "--quiet", "--format", "parquet", "--rho", self.rho]);
        command.args(["--from", "2020-01-01", "--until", "2025-01-01"]);
        command.arg("--data").arg(self.people).arg("--workload").arg(&workload);
        command.arg("--ledger").arg(scratch.join("ledger")).arg("--out").arg(&bundle);
        sources::run(&mut command)?;
        read(&bundle)
    }
}

fn read(bundle: &Path) -> anyhow::Result<Released> {
    let manifest: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(bundle.join("manifest.json"))?)?;
    let mut released =
        Released { cells: Tables::new(), raw: Tables::new(), regions: Cells::new(), limits: BTreeMap::new() };
    for (table, is_of_persons) in TABLES {
        let measure = if is_of_persons { "person-count" } else { "row-count" };
        let published = figures(&bundle.join(format!("tables/{table}.csv")), measure, "estimate", "finest")?;
        let raw = figures(&bundle.join(format!("tables/{table}.raw.csv")), measure, "value", "finest")?;
        released.cells.insert(table.to_owned(), published);
        released.raw.insert(table.to_owned(), raw);
        released.limits.insert(table.to_owned(), limit(&manifest, table)?);
    }
    let regions = figures(&bundle.join("tables/encounters.csv"), "row-count", "estimate", "region")?;
    released.regions = by_region(&regions);
    Ok(released)
}

/// Rows a person of a table, and what its first measure costs over all levels.
fn limit(manifest: &serde_json::Value, table: &str) -> anyhow::Result<(u64, f64)> {
    let tables = manifest["tables"].as_array().context("the manifest has no tables")?;
    let own = tables.iter().find(|own| own["query"]["name"] == table).context("a table is missing")?;
    let rho = |noise: &serde_json::Value| -> anyhow::Result<f64> {
        let rho: medrec_domain::Rho = noise["rho"].as_str().context("a rho is missing")?.parse()?;
        Ok(rho.to_f64_at_most())
    };
    let noise = own["noise"].as_array().context("the noise is missing")?;
    let first = noise.iter().filter(|noise| noise["measure"] == 0).map(rho).sum::<anyhow::Result<f64>>()?;
    Ok((own["query"]["rows_per_person"].as_u64().context("a limit is missing")?, first))
}

/// Figures of one measure at one level, by the labels joined by `|`.
fn figures(path: &Path, measure: &str, column: &str, level: &str) -> anyhow::Result<Cells> {
    let mut reader = csv::Reader::from_path(path).with_context(|| path.display().to_string())?;
    let headers = reader.headers()?.clone();
    let at = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .with_context(|| format!("{name} in {}", path.display()))
    };
    let (level_at, measure_at, value_at) = (at("level")?, at("measure")?, at(column)?);
    let mut cells = Cells::new();
    for row in reader.records() {
        let row = row?;
        if row.get(level_at) != Some(level) || row.get(measure_at) != Some(measure) {
            continue;
        }
        let labels: Vec<&str> = row.iter().take(level_at).collect();
        let count = row.get(value_at).unwrap_or_default().parse().context("a cell has no value")?;
        cells.insert(labels.join("|"), Figure { count, sum: None });
    }
    Ok(cells)
}

/// Sums over organisations: cells `region|organisation|rest` to `region|rest`.
pub(super) fn by_region(cells: &Cells) -> Cells {
    let mut sums = Cells::new();
    for (cell, figure) in cells {
        let mut labels: Vec<&str> = cell.split('|').collect();
        labels.remove(1);
        sums.entry(labels.join("|")).or_default().count += figure.count;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisations_of_a_region_are_added_up() {
        let figure = |count| Figure { count, sum: None };
        let cells: Cells = [
            ("MA|a|x".to_owned(), figure(1.0)),
            ("MA|b|x".to_owned(), figure(2.0)),
            ("NH|c|x".to_owned(), figure(4.0)),
        ]
        .into();
        let sums = by_region(&cells);
        assert_eq!(sums.get("MA|x"), Some(&figure(3.0)));
        assert_eq!(sums.get("NH|x"), Some(&figure(4.0)));
    }
}
