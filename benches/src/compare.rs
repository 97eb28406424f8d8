//! Two records side by side: ratios, and every reason not to trust them.

use serde::Serialize;

use crate::error::BenchError;
use crate::harness::{Identity, Measurement};
use crate::record::Record;

/// One contender that both records hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Who.
    #[serde(flatten)]
    pub identity: Identity,
    /// Median rate in the first record, units per second.
    pub left_rate: f64,
    /// Median rate in the second record.
    pub right_rate: f64,
    /// Second divided by first.
    pub ratio: f64,
    /// Whether the two ranges of samples lie apart: if not, the difference may be noise.
    pub is_clear: bool,
}

/// The comparison of two records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The benchmark of both.
    pub benchmark: String,
    /// Contenders in both records, in the order of the first.
    pub rows: Vec<Row>,
    /// Labels of contenders that only the first record holds.
    pub only_left: Vec<String>,
    /// Labels of contenders that only the second record holds.
    pub only_right: Vec<String>,
    /// Reasons why the ratios may mislead.
    pub warnings: Vec<String>,
}

/// Compares `right` with `left`.
///
/// # Errors
/// [`BenchError::DifferentBenchmarks`] when the records measure different things.
pub fn compare(left: &Record, right: &Record) -> Result<Comparison, BenchError> {
    if left.benchmark != right.benchmark {
        return Err(BenchError::DifferentBenchmarks {
            left: left.benchmark.clone(),
            right: right.benchmark.clone(),
        });
    }
    let rows = left
        .results
        .iter()
        .filter_map(|measurement| Some(row(measurement, find(right, &measurement.identity)?)))
        .collect();
    Ok(Comparison {
        benchmark: left.benchmark.clone(),
        rows,
        only_left: missing_from(right, left),
        only_right: missing_from(left, right),
        warnings: warnings(left, right),
    })
}

fn find<'r>(record: &'r Record, identity: &Identity) -> Option<&'r Measurement> {
    record.results.iter().find(|measurement| measurement.identity == *identity)
}

fn row(left: &Measurement, right: &Measurement) -> Row {
    let (a, b) = (left.rate, right.rate);
    Row {
        identity: left.identity.clone(),
        left_rate: a.median,
        right_rate: b.median,
        ratio: if a.median > 0.0 { b.median / a.median } else { 0.0 },
        is_clear: a.maximum < b.minimum || b.maximum < a.minimum,
    }
}

fn missing_from(record: &Record, of: &Record) -> Vec<String> {
    of.results
        .iter()
        .filter(|measurement| find(record, &measurement.identity).is_none())
        .map(|measurement| measurement.identity.label())
        .collect()
}

fn warnings(left: &Record, right: &Record) -> Vec<String> {
    let mut warnings = left.machine.differences(&right.machine);
    if left.workload != right.workload {
        warnings.push(format!("workload differs: {} against {}", left.workload, right.workload));
    }
    for (side, record) in [("first", left), ("second", right)] {
        if !record.noise.warnings.is_empty() {
            warnings.push(format!("the {side} record was noisy: {}", record.noise.warnings.join("; ")));
        }
    }
    warnings
}
