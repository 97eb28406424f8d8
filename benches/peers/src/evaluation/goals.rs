//! What was asked for, beside what was measured.

use medrec_benches::statistics::as_f64;

use super::census::{REGIONS, plain};
use super::job::{Job, seconds};
use super::table::{figure, table as markdown};
use crate::document::Document;

/// One goal.
pub(super) struct Goal {
    name: &'static str,
    asked: &'static str,
    /// The figure, and whether the goal is met; `None` when nothing was measured.
    measured: Option<(String, bool)>,
}

fn at_most(name: &'static str, asked: &'static str, limit: f64, value: Option<f64>, unit: &str) -> Goal {
    let measured = value.map(|value| (format!("{}{unit}", figure(value)), value <= limit));
    Goal { name, asked, measured }
}

/// All goals of this page.
pub(super) fn all(job: Option<&Job>, census: Option<&Document>, scale: Option<&Document>) -> Vec<Goal> {
    let ours = job.and_then(Job::ours);
    let accuracy = ours.and_then(|ours| ours.accuracy);
    let memory = ours.and_then(|ours| ours.peak_memory_bytes).map(|bytes| as_f64(bytes) / 1e9);
    let mut goals = vec![
        at_most("ten million rows", "at most 2 s", 2.0, ours.map(seconds), " s"),
        at_most("its memory", "at most 1 GB", 1.0, memory, " GB"),
        at_most("its error of counts", "at most 75", 75.0, accuracy.map(|own| own.count_error), ""),
        at_most("its error of sums", "at most 11,000", 11_000.0, accuracy.and_then(|own| own.sum_error), ""),
        at_most("its error of means", "at most 16", 16.0, accuracy.and_then(|own| own.mean_error), ""),
    ];
    goals.push(Goal {
        name: "census tables beside rivals",
        asked: "lowest error in each",
        measured: census.map(lowest),
    });
    goals.push(Goal {
        name: "totals by region beside sums of organisations' cells",
        asked: "at most half the error",
        measured: census.and_then(totals),
    });
    goals.push(Goal {
        name: "time a row at the largest size beside ten million",
        asked: "at most 1.25 times",
        measured: scale.and_then(linear),
    });
    goals
}

/// Goals of the services, and of the way to a first bundle.
pub(super) fn services(services: Option<&Document>, newcomer: Option<&Document>) -> Vec<Goal> {
    let of = |document: Option<&Document>, row: &str, name: &str| {
        let row = document?.rows.iter().find(|found| found.name == row)?;
        row.figures.get(name).copied()
    };
    let first = "fresh clone to finished demo";
    let reads = of(services, "signed reads", "per_second");
    vec![
        Goal {
            name: "signed reads a second, 50 clients",
            asked: "over 1,620",
            measured: reads.map(|rate| (figure(rate), rate > 1_620.0)),
        },
        at_most("their p95", "under 36 ms", 36.0, of(services, "signed reads", "p95_ms"), " ms"),
        at_most(
            "fresh clone to finished demo",
            "under 25 minutes",
            25.0,
            of(newcomer, first, "whole_minutes"),
            " min",
        ),
        at_most("the demo after the build", "under 90 s", 90.0, of(newcomer, first, "demo_seconds"), " s"),
    ]
}

/// In how many tables we are lowest.
fn lowest(census: &Document) -> (String, bool) {
    let (mut tables, mut won) = (0_u32, 0_u32);
    for ours in plain(census).filter(|row| row.engine == "medrec") {
        tables += 1;
        let error = ours.figure("mean_absolute_error");
        let rivals = plain(census).filter(|row| row.name == ours.name && row.engine != "medrec");
        won += u32::from(rivals.map(|row| row.figure("mean_absolute_error")).all(|other| error <= other));
    }
    (format!("{won} of {tables} tables"), won == tables && tables > 0)
}

fn totals(census: &Document) -> Option<(String, bool)> {
    let error = |part: &str| {
        let row = census.rows.iter().find(|row| row.name == REGIONS && row.engine.contains(part));
        row.map(|row| row.figure("mean_absolute_error"))
    };
    let ratio = error("consistent")? / error("medrec, sums")?;
    Some((format!("{} times it", figure(ratio)), ratio <= 0.5))
}

fn linear(scale: &Document) -> Option<(String, bool)> {
    let time = |row: &crate::document::Row| row.figure("wall_seconds") / row.figure("rows");
    let rows = || scale.rows.iter().filter(|row| row.name == "rows");
    let middle = rows().find(|row| (row.figure("rows") - 1e7).abs() < 1.0)?;
    let largest = rows().max_by(|one, two| one.figure("rows").total_cmp(&two.figure("rows")))?;
    let ratio = time(largest) / time(middle);
    Some((format!("{} times, {} rows", figure(ratio), figure(largest.figure("rows"))), ratio <= 1.25))
}

/// The goals in Markdown.
pub(super) fn table(goals: &[Goal]) -> String {
    let rows: Vec<Vec<String>> = goals
        .iter()
        .map(|goal| {
            let (measured, verdict) = match &goal.measured {
                Some((measured, true)) => (measured.as_str(), "reached"),
                Some((measured, false)) => (measured.as_str(), "**missed**"),
                None => ("not measured", "-"),
            };
            [goal.name, goal.asked, measured, verdict].map(str::to_owned).into()
        })
        .collect();
    markdown(&["what", "goal", "measured", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_without_a_measurement_are_neither_reached_nor_missed() {
        let text = table(&all(None, None, None).into_iter().chain(services(None, None)).collect::<Vec<_>>());
        assert!(text.contains("| ten million rows | at most 2 s | not measured | - |"), "{text}");
        assert!(!text.contains("missed") && !text.contains("reached"));
        let met = at_most("a", "at most 1", 1.0, Some(0.5), " s");
        let not = at_most("b", "at most 1", 1.0, Some(1.5), " s");
        let text = table(&[met, not]);
        assert!(text.contains("| a | at most 1 | 0.50 s | reached |"), "{text}");
        assert!(text.contains("| b | at most 1 | 1.50 s | **missed** |"), "{text}");
    }
}
