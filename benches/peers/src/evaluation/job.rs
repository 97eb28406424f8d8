//! The job of ten million rows, from its benchmark records.

use std::path::{Path, PathBuf};

use medrec_benches::harness::{Measurement, Origin};
use medrec_benches::record::Record;
use medrec_benches::statistics::{Summary, as_f64};

use super::table::{figure, machine, table};

/// The newest records that hold rivals, newest first, and the newest of our own alone.
pub(super) struct Job {
    records: Vec<Record>,
    alone: Option<Record>,
}

/// Somebody's figures, beside ours of the same run.
struct Line<'a> {
    measurement: &'a Measurement,
    ours: &'a Measurement,
}

impl Job {
    /// The records of the job at its full size.
    pub(super) fn newest(root: &Path) -> anyhow::Result<Option<Self>> {
        let mut paths = Vec::new();
        for device in folder(&root.join("benches/record"))? {
            paths.extend(folder(&device)?);
        }
        paths.retain(|path| path.to_string_lossy().ends_with("anonymize.json"));
        // Names begin with the time; folders of machines do not.
        paths.sort_by_key(|path| path.file_name().map(std::ffi::OsStr::to_owned));
        let mut job = Self { records: Vec::new(), alone: None };
        for path in paths.into_iter().rev() {
            let record = Record::load(&path)?;
            if record.workload["rows"] != 10_000_000 {
                continue;
            }
            let has_rivals = record.results.iter().any(|result| result.identity.origin == Origin::Peer);
            if has_rivals {
                job.records.push(record);
            } else if job.alone.is_none() {
                job.alone = Some(record);
            }
        }
        Ok((!job.records.is_empty() || job.alone.is_some()).then_some(job))
    }

    /// Our own figures: of the run without rivals, else of the newest with them.
    pub(super) fn ours(&self) -> Option<&Measurement> {
        self.alone.iter().chain(&self.records).find_map(ours)
    }

    /// The newest measurement of each rival and limit.
    fn lines(&self) -> Vec<Line<'_>> {
        let mut lines: Vec<Line<'_>> = Vec::new();
        for record in &self.records {
            let Some(ours) = ours(record) else { continue };
            for measurement in &record.results {
                let known =
                    lines.iter().any(|line| line.measurement.identity.engine == measurement.identity.engine);
                if !known && measurement.identity.origin != Origin::Medrec {
                    lines.push(Line { measurement, ours });
                }
            }
        }
        lines.sort_by(|one, two| seconds(one.measurement).total_cmp(&seconds(two.measurement)));
        lines
    }

    pub(super) fn section(&self) -> String {
        let mut rows: Vec<Vec<String>> =
            self.ours().into_iter().map(|ours| row(ours, "1".to_owned())).collect();
        for line in self.lines() {
            let ratio = seconds(line.measurement) / seconds(line.ours);
            rows.push(row(line.measurement, format!("{} times ours", figure(ratio))));
        }
        let named: Vec<&str> =
            self.lines().iter().map(|line| line.measurement.identity.engine.as_str()).collect();
        let mut missing: Vec<String> = Vec::new();
        for absent in self.records.iter().flat_map(|record| &record.missing) {
            let text = format!("- missing: {}: {}\n", absent.engine, absent.reason.replace('\n', " "));
            if !named.contains(&absent.engine.as_str()) && !missing.contains(&text) {
                missing.push(text);
            }
        }
        let runs: String = self.alone.iter().chain(self.records.iter().take(2)).map(run).collect();
        format!(
            "\n## Ten million rows\n\n\
             Counts, sums and means by region and condition of 10 million rows of 2.37 million persons: 2,040 public cells, a person with\n\
             all her rows is added or removed, at most 32 rows of a person count, values clamped to 0..300, pure epsilon 1 for\n\
             everything ([BENCHMARKS.md](BENCHMARKS.md#the-release-job)). Errors are means over all cells of the absolute\n\
             distance to the exact answer, rows dropped by the limits included. Our time is that of the whole command (start, ledger, bundle, report);\n\
             rivals' is that of the job alone. Ratios are to ours in the same run.\n\n{}\n{}{runs}",
            table(
                &[
                    "",
                    "seconds",
                    "in the same run",
                    "peak memory",
                    "error of counts",
                    "of sums",
                    "of means",
                    "bias of the total"
                ],
                &rows
            ),
            missing.concat(),
        )
    }
}

fn folder(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let Ok(entries) = std::fs::read_dir(path) else { return Ok(Vec::new()) };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

fn ours(record: &Record) -> Option<&Measurement> {
    record.results.iter().find(|result| result.identity.origin == Origin::Medrec)
}

/// Median seconds of a sample.
pub(super) fn seconds(measurement: &Measurement) -> f64 {
    let seconds: Vec<f64> = measurement.samples.iter().map(|record| record.sample.wall_seconds).collect();
    Summary::of(&seconds).map_or(f64::NAN, |summary| summary.median)
}

fn row(measurement: &Measurement, ratio: String) -> Vec<String> {
    let accuracy = measurement.accuracy;
    let error = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), figure);
    let memory = measurement.peak_memory_bytes.map_or(f64::NAN, as_f64) / 1e9;
    vec![
        measurement.identity.engine.clone(),
        figure(seconds(measurement)),
        ratio,
        format!("{memory:.2} GB"),
        error(accuracy.map(|accuracy| accuracy.count_error)),
        error(accuracy.and_then(|accuracy| accuracy.sum_error)),
        error(accuracy.and_then(|accuracy| accuracy.mean_error)),
        error(accuracy.map(|accuracy| 100.0 * accuracy.total_bias)) + " %",
    ]
}

fn run(record: &Record) -> String {
    let noise = if record.noise.warnings.is_empty() {
        "the machine was quiet".to_owned()
    } else {
        format!("not quiet: {}", record.noise.warnings.join("; "))
    };
    format!(
        "- {}, `{}`, {} samples, on {}; {noise}\n",
        record.started_at,
        record.command,
        record.plan.samples,
        machine(&record.machine)
    )
}
