//! Our engine of the job: `medrec anonymize`, as a user starts it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::job::{BOUNDS, EPSILON, WORKLOAD, cell};
use super::records::Data;
use crate::accuracy::{Accuracy, Cells};
use crate::error::BenchError;
use crate::harness::{Contender, Identity, Origin, Sample};
use crate::process::{Finished, measured};

/// Name of our engine.
const NAME: &str = "medrec anonymize";
/// A total that is farther off is no answer: limits of rows take 0.7 to 5 %, the noise of 2,040 counts less than
/// this number of rows but once in more than 10^12 answers (standard deviation 4,100 of the noisiest).
const MOST_BIAS: f64 = 0.1;
const MOST_NOISE: f64 = 33_000.0;
/// Published counts are not negative, which lifts cells near zero by half of their noise: 24 rows in each of 2,040.
const MOST_LIFT: f64 = 49_000.0;

/// One release of the job a sample, each with its own ledger and bundle.
#[derive(Debug)]
pub struct Release<'a> {
    /// The binary.
    pub program: PathBuf,
    /// The rows and their exact answer.
    pub data: &'a Data,
    /// Where ledgers and bundles go, deleted after each sample.
    pub scratch: PathBuf,
    /// Processors that it may use.
    pub threads: usize,
}

impl Release<'_> {
    fn release(&self) -> Result<(Finished, PathBuf), BenchError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| BenchError::Io { path, source }
        };
        let scratch = self.scratch.join("medrec");
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch).map_err(io(&scratch))?;
        }
        std::fs::create_dir_all(&scratch).map_err(io(&scratch))?;
        let workload = scratch.join("job.toml");
        std::fs::write(&workload, WORKLOAD).map_err(io(&workload))?;
        let bundle = scratch.join("bundle");
        let mut command = Command::new(&self.program);
        command.env("RAYON_NUM_THREADS", self.threads.to_string());
        command.args(["anonymize", "--quiet", "--format", "parquet", "--epsilon", EPSILON]);
        command.args(["--from", "2025-01-01", "--until", "2026-01-01"]);
        command.arg("--data").arg(&self.data.folder).arg("--workload").arg(&workload);
        command.arg("--ledger").arg(scratch.join("ledger")).arg("--out").arg(&bundle);
        let finished = measured(NAME, &mut command, &scratch.join("stderr.txt"))?;
        Ok((finished, bundle))
    }

    fn accuracy(&self, bundle: &Path) -> Result<Accuracy, BenchError> {
        checked(NAME, &self.data.exact, &figures(&bundle.join("tables/values.csv"))?)
    }
}

impl Contender for Release<'_> {
    fn identity(&self) -> Identity {
        Identity {
            engine: NAME.to_owned(),
            origin: Origin::Medrec,
            measure: "anonymize".to_owned(),
            unit: "row".to_owned(),
            threads: self.threads,
            pages: None,
        }
    }

    fn check(&mut self) -> Result<String, BenchError> {
        let (_, bundle) = self.release()?;
        self.accuracy(&bundle)?;
        let log = self.scratch.join("medrec/verify.txt");
        let mut verify = Command::new(&self.program);
        verify.args(["verify", "--quiet"]).arg(&bundle);
        measured("medrec verify", &mut verify, &log)?;
        Ok("every cell beside the exact one, in this and in every sample; the bundle verified".to_owned())
    }

    fn sample(&mut self, _: f64) -> Result<Sample, BenchError> {
        let (finished, bundle) = self.release()?;
        let accuracy = self.accuracy(&bundle)?;
        let scratch = self.scratch.join("medrec");
        std::fs::remove_dir_all(&scratch)
            .map_err(|source| BenchError::Io { path: scratch.clone(), source })?;
        Ok(Sample {
            work: self.data.shape.rows,
            wall_seconds: finished.wall_seconds,
            cpu_seconds: finished.cpu_seconds,
            peak_memory_bytes: Some(finished.peak_memory_bytes),
            accuracy: Some(accuracy),
        })
    }
}

/// Accuracy of an answer that is one: no public cell is missing, and the total is about right.
///
/// # Errors
/// [`BenchError::WrongAnswer`] otherwise.
pub fn checked(name: &str, exact: &Cells, answer: &Cells) -> Result<Accuracy, BenchError> {
    let wrong = |case: &str, expected: String, actual: String| BenchError::WrongAnswer {
        contender: name.to_owned(),
        case: case.to_owned(),
        expected,
        actual,
    };
    if let Some(missing) = exact.keys().find(|cell| !answer.contains_key(*cell)) {
        return Err(wrong("a public cell", missing.clone(), "nothing".to_owned()));
    }
    let accuracy = Accuracy::of(exact, answer, BOUNDS);
    let total: f64 = exact.values().map(|figure| figure.count).sum();
    if accuracy.total_bias.abs() > MOST_BIAS + (MOST_NOISE + MOST_LIFT) / total.max(1.0) {
        let actual = format!("{:+.1} % of it", 100.0 * accuracy.total_bias);
        return Err(wrong("the sum of all counts", "the exact one".to_owned(), actual));
    }
    Ok(accuracy)
}

/// Counts and sums of the published table.
fn figures(path: &Path) -> Result<Cells, BenchError> {
    let failed = |reason: String| BenchError::Contender {
        contender: NAME.to_owned(),
        reason: format!("{}: {reason}", path.display()),
    };
    let mut reader = csv::Reader::from_path(path).map_err(|error| failed(error.to_string()))?;
    let headers = reader.headers().map_err(|error| failed(error.to_string()))?.clone();
    let column = |name: &str| {
        let found = headers.iter().position(|header| header == name);
        found.ok_or_else(|| failed(format!("has no column {name}")))
    };
    let (region, condition) = (column("region")?, column("condition")?);
    let (statistic, estimate) = (column("statistic")?, column("estimate")?);
    let mut cells = Cells::new();
    for row in reader.records() {
        let row = row.map_err(|error| failed(error.to_string()))?;
        let text = |at: usize| row.get(at).unwrap_or_default();
        let value: f64 = text(estimate).parse().map_err(|_| failed("a cell has no estimate".to_owned()))?;
        let figure = cells.entry(cell(text(region), text(condition))).or_default();
        match text(statistic) {
            "values" => figure.count = value,
            "sum" => figure.sum = Some(value),
            other => return Err(failed(format!("has an unknown statistic {other}"))),
        }
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accuracy::Figure;

    #[test]
    fn an_answer_without_a_cell_or_with_half_the_rows_is_wrong() {
        let figure = |count: f64| Figure { count: 1e6 * count, sum: Some(1e8 * count) };
        let exact: Cells = [("a".to_owned(), figure(100.0)), ("b".to_owned(), figure(200.0))].into();
        assert!(checked("x", &exact, &exact).is_ok());
        let missing: Cells = [("a".to_owned(), figure(300.0))].into();
        assert!(matches!(checked("x", &exact, &missing), Err(BenchError::WrongAnswer { .. })));
        let half: Cells = [("a".to_owned(), figure(50.0)), ("b".to_owned(), figure(100.0))].into();
        assert!(matches!(checked("x", &exact, &half), Err(BenchError::WrongAnswer { .. })));
    }
}
