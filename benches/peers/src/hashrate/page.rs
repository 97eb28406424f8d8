//! docs/HASHRATE.md: goals against measurements, then every figure with its spread.

use medrec_benches::harness::{Measurement, Origin};
use medrec_benches::record::Record;

use super::goals::{self, Goal, best, pair};
use super::records::Records;

/// The whole page.
pub(crate) fn text(records: &Records, is_quick: bool) -> String {
    let goals = goals::all(records);
    let sections = [
        section("Keccak-256 of 40 bytes, one thread", &records.keccak, "keccak.svg"),
        section("Light cache, and dataset items by parts", &records.dag, "dataset.svg"),
        records.dataset.as_ref().map_or_else(String::new, |r| section("Whole dataset of epoch 0", r, "")),
        section(&search_title(&records.search_huge), &records.search_huge, "search.svg"),
        records
            .search_4k
            .as_ref()
            .map_or_else(String::new, |r| section(&search_title(r), r, "search-4k.svg")),
        section("Light hashing, as verifiers do", &records.light, ""),
        records.devices.iter().map(device_section).collect(),
    ];
    let quick = if is_quick {
        "**A quick run: it shows that this page can be made. Its figures mean nothing.**\n\n"
    } else {
        ""
    };
    format!(
        "<!-- Written by `cargo run --release -p medrec-peers -- hashrate`; do not edit. -->\n\
         # Hashrate\n\n{quick}{}\n## Goals\n\n{}\n{}\n{}",
        introduction(&records.keccak),
        goal_table(&goals),
        missed(&goals),
        sections.concat()
    )
}

fn introduction(record: &Record) -> String {
    let machine = &record.machine;
    let gibibytes = machine.memory_bytes.div_ceil(1 << 30);
    let hypervisor = if machine.is_virtual { " (a virtual machine)" } else { "" };
    let caches: Vec<String> = machine
        .caches
        .iter()
        .map(|cache| format!("L{} {} {} KiB", cache.level, cache.kind.to_lowercase(), cache.bytes >> 10))
        .collect();
    format!(
        "Measured {} on {}{hypervisor}: {} processors, {}; {gibibytes} GiB of memory; {}, Linux {}; \
         transparent huge pages: {}.\n\n\
         Command: `{}` (after `cargo run --release -p medrec-peers -- fetch`). How it is measured, and what \
         the words mean: [BENCHMARKS.md](BENCHMARKS.md). Rates are medians on the wall clock; \"per CPU-second\" \
         is the rate as if no processor time had been stolen or given to others. Every engine's answers were \
         checked before it was timed. Ratios come from samples taken next to each other in one run.\n",
        record.started_at,
        machine.cpu_model,
        machine.logical_cpus,
        caches.join(", "),
        machine.system,
        machine.kernel,
        machine.transparent_huge_pages,
        record.command,
    )
}

fn goal_table(goals: &[Goal]) -> String {
    let rows: Vec<String> = goals
        .iter()
        .map(|goal| {
            let verdict = match goal.is_met {
                Some(true) => "reached",
                Some(false) => "**missed**",
                None => "-",
            };
            format!("| {} | {} | {} | {verdict} |", goal.name, goal.asked, goal.measured)
        })
        .collect();
    format!("| what | goal | measured | |\n|---|---|---|---|\n{}\n", rows.join("\n"))
}

fn missed(goals: &[Goal]) -> String {
    let named = |is_met: Option<bool>| -> String {
        let names: Vec<&str> =
            goals.iter().filter(|goal| goal.is_met == is_met).map(|goal| goal.name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join("; ") }
    };
    format!("Missed: {}.\n\nNot measured: {}.\n", named(Some(false)), named(None))
}

fn search_title(record: &Record) -> String {
    match record.best.pages.as_deref() {
        Some("huge") => "Full search, huge pages".to_owned(),
        _ => "Full search, 4 KiB pages".to_owned(),
    }
}

fn section(title: &str, record: &Record, picture: &str) -> String {
    let picture =
        if picture.is_empty() { String::new() } else { format!("![{title}](hashrate/{picture})\n\n") };
    let header = "| engine | threads | rate | per CPU-second | samples, spread | of the limit | medrec is faster by |\n\
                  |---|---|---|---|---|---|---|\n";
    let rows: Vec<String> = record.results.iter().map(|measurement| row(record, measurement)).collect();
    let missing: Vec<String> = record
        .missing
        .iter()
        .map(|m| format!("| {} | - | missing ({}): {}; {} | | | | |", m.engine, m.measure, m.reason, m.hint))
        .collect();
    let warnings: Vec<String> = record.noise.warnings.iter().map(|warning| format!("- {warning}")).collect();
    let noise = if warnings.is_empty() {
        "The machine was quiet.\n\n".to_owned()
    } else {
        format!("The machine was not quiet:\n{}\n\n", warnings.join("\n"))
    };
    format!("## {title}\n\n{picture}{header}{}\n\n{noise}", [rows, missing].concat().join("\n"))
}

fn row(record: &Record, measurement: &Measurement) -> String {
    let identity = &measurement.identity;
    let per_cpu_second = measurement.rate_per_cpu_second;
    let ours = best(record, &identity.measure, identity.threads, identity.pages.as_deref());
    // One-by-one light hashes of others stand beside ours of both kinds.
    let faster = if identity.origin == Origin::Peer { pair(ours, Some(measurement)) } else { None };
    format!(
        "| {}{} | {} | {} | {} | {}, {:.1} % | {} | {} |",
        measure_prefix(record, measurement),
        identity.engine,
        identity.threads,
        figure(measurement, measurement.rate.median),
        per_cpu_second.map_or_else(|| "-".to_owned(), |rate| figure(measurement, rate.median)),
        measurement.samples.len(),
        measurement.rate.spread_percent,
        measurement.ratio_to_limit.map_or_else(|| "-".to_owned(), |ratio| format!("{:.3}", ratio.median)),
        faster.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2} times")),
    )
}

/// The measure, where a table holds several.
fn measure_prefix(record: &Record, measurement: &Measurement) -> String {
    let measure = &measurement.identity.measure;
    let is_limit = measurement.identity.origin == Origin::Limit;
    if record.results.iter().all(|other| other.identity.measure == *measure) {
        return if is_limit { "limit: ".to_owned() } else { String::new() };
    }
    format!("{measure}: ")
}

/// A rate with the figure that its field compares by.
fn figure(measurement: &Measurement, rate: f64) -> String {
    match measurement.identity.measure.as_str() {
        "keccak-256" | "keccak-512" => format!("{:.1} ns a hash, {:.2} MH/s", 1e9 / rate, rate / 1e6),
        "light-cache" => format!("{:.3} s", 262_139.0 / rate),
        "dataset" => format!("{:.1} s", 16_777_186.0 / rate),
        "dataset-part" => format!("{:.1} k items/s (whole: {:.0} s)", rate / 1e3, 16_777_186.0 / rate),
        "light-hash" | "light-hash-batch" => format!("{rate:.0} H/s"),
        _ if rate >= 1e6 => format!("{:.3} MH/s", rate / 1e6),
        _ => format!("{:.1} kH/s", rate / 1e3),
    }
}

fn device_section(record: &Record) -> String {
    let device = record.machine.device.clone().unwrap_or_default();
    section(&format!("{device}: {} ({})", record.best.measure, record.started_at), record, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(name: &'static str, is_met: Option<bool>) -> Goal {
        Goal { name, asked: "at least 1", measured: "0.5".to_owned(), is_met }
    }

    #[test]
    fn goals_missed_and_not_measured_are_named_in_words() {
        let goals = [goal("a", Some(true)), goal("b", Some(false)), goal("c", None)];
        assert_eq!(missed(&goals), "Missed: b.\n\nNot measured: c.\n");
        assert_eq!(missed(&goals[..1]), "Missed: none.\n\nNot measured: none.\n");
        let table = goal_table(&goals);
        assert!(table.contains("| b | at least 1 | 0.5 | **missed** |"), "{table}");
        assert!(table.contains("| c | at least 1 | 0.5 | - |"), "{table}");
    }
}
