//! A record as text for people.

use medrec_benches::harness::{Measurement, Origin};
use medrec_benches::record::Record;
use medrec_benches::statistics::Summary;

use crate::table::{engines_by_threads, rate};

/// Title, machine, threads x engines tables and the best engine.
pub(super) fn text(title: &str, record: &Record) -> String {
    let machine = &record.machine;
    let device = machine.device.as_ref().map_or_else(String::new, |device| format!("{device}, "));
    let mut text = format!("{title}\n{device}{}, {} processors\n", machine.cpu_model, machine.logical_cpus);

    text.push_str("\nmedian rate (spread of the samples)\n");
    text.push_str(&engines_by_threads(&record.results, |measurement| Some(rate_cell(measurement))));
    if record.results.iter().any(|measurement| measurement.ratio_to_limit.is_some()) {
        text.push_str("\nratio to the machine's limit, paired\n");
        let ours: Vec<Measurement> =
            record.results.iter().filter(|m| m.identity.origin != Origin::Limit).cloned().collect();
        text.push_str(&engines_by_threads(&ours, |measurement| {
            measurement.ratio_to_limit.map(|ratio| format!("{:.3}", ratio.median))
        }));
    }

    text.extend(record.results.iter().filter_map(release_lines));
    text.push_str(&best_line(record));
    text.extend(
        record.missing.iter().map(|missing| {
            format!("missing: {} ({}): {}\n", missing.engine, missing.measure, missing.reason)
        }),
    );
    text
}

fn best_line(record: &Record) -> String {
    let best = &record.best;
    let plural = if best.threads == 1 { "" } else { "s" };
    let limit = match (record.limit_hps, record.ratio_to_limit) {
        (Some(limit), Some(ratio)) => format!(", {ratio:.3} of the limit ({})", rate(limit, &best.unit)),
        _ => String::new(),
    };
    let hashrate = rate(record.hashrate_hps, &best.unit);
    format!("\nbest: {hashrate} with {} on {} thread{plural}{limit}\n", best.engine, best.threads)
}

/// Time, memory and errors of releases.
fn release_lines(measurement: &Measurement) -> Option<String> {
    let accuracy = measurement.accuracy?;
    let seconds: Vec<f64> = measurement.samples.iter().map(|record| record.sample.wall_seconds).collect();
    let seconds = Summary::of(&seconds)?;
    let memory = measurement.peak_memory_bytes.unwrap_or(0) >> 20;
    let error = |error: Option<f64>| error.map_or_else(|| "-".to_owned(), |error| format!("{error:.1}"));
    Some(format!(
        "\n{}\nseconds      {:.2} ({:.2} to {:.2})\nmemory       {memory} MiB at most\n\
         mean errors  counts {:.1}, sums {}, means {} over {} cells\nbias         {:+.2} % of all rows\n",
        measurement.identity.engine,
        seconds.median,
        seconds.minimum,
        seconds.maximum,
        accuracy.count_error,
        error(accuracy.sum_error),
        error(accuracy.mean_error),
        accuracy.cells,
        100.0 * accuracy.total_bias,
    ))
}

fn rate_cell(measurement: &Measurement) -> String {
    let identity = &measurement.identity;
    let summary = measurement.rate;
    let time = if identity.measure.starts_with("keccak") && summary.median > 0.0 {
        // Nanoseconds a hash and thread: the figure that Keccak implementations are compared by.
        let threads = u32::try_from(identity.threads).map_or(f64::NAN, f64::from);
        format!(", {:.1} ns", 1e9 * threads / summary.median)
    } else {
        String::new()
    };
    format!("{}{time} ({:.0} %)", rate(summary.median, &identity.unit), summary.spread_percent)
}
