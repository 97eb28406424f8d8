//! The goals of the project for its kernels, and what a run says about each.

use medrec_benches::harness::{Measurement, Origin};
use medrec_benches::record::Record;
use medrec_benches::statistics::median_ratio;

use super::records::Records;
use crate::{chfast, xkcp};

/// Rows of the light cache of epoch 0.
const CACHE_ROWS: f64 = 262_139.0;
/// Items of the dataset of epoch 0.
const DATASET_ITEMS: f64 = 16_777_186.0;

/// One goal and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Goal {
    /// What is asked for.
    pub(crate) name: &'static str,
    /// The figure asked for, in words.
    pub(crate) asked: &'static str,
    /// The figure measured, or why there is none.
    pub(crate) measured: String,
    /// Whether the goal was reached; absent when nothing was measured.
    pub(crate) is_met: Option<bool>,
}

impl Goal {
    /// A goal for a figure that must reach (`at_least`) or stay below a threshold.
    fn of(
        name: &'static str,
        asked: &'static str,
        figure: Option<f64>,
        is_met: impl Fn(f64) -> bool,
        text: impl Fn(f64) -> String,
    ) -> Self {
        let measured = figure.map_or_else(|| "not measured in this run".to_owned(), text);
        Self { name, asked, measured, is_met: figure.map(is_met) }
    }
}

/// Every goal, in the order of the project's table.
pub(crate) fn all(records: &Records) -> Vec<Goal> {
    [keccak(&records.keccak), building(records), search(records), light(&records.light), devices(records)]
        .concat()
}

fn keccak(record: &Record) -> Vec<Goal> {
    let ours = best(record, "keccak-256", 1, None);
    let xkcp = by_engine(record, xkcp::NAME, "keccak-256", 1);
    let best_crate = record
        .results
        .iter()
        .filter(|m| m.identity.engine.starts_with("crate "))
        .max_by(|a, b| a.rate.median.total_cmp(&b.rate.median));
    vec![
        Goal::of(
            "Keccak-256 of 40 bytes, one thread",
            "at most 56 ns a hash",
            ours.map(|m| 1e9 / m.rate.median),
            |ns| ns <= 56.0,
            |ns| format!("{ns:.1} ns"),
        ),
        Goal::of(
            "the same beside XKCP's eight-way AVX-512",
            "at least 1.00 times as fast",
            pair(ours, xkcp),
            |ratio| ratio >= 1.0,
            times,
        ),
        Goal::of(
            "the same beside the fastest crate",
            "at least 6 times as fast",
            pair(ours, best_crate),
            |ratio| ratio >= 6.0,
            times,
        ),
    ]
}

fn building(records: &Records) -> Vec<Goal> {
    let cache = best(&records.dag, "light-cache", 1, None);
    let whole = records.dataset.as_ref().and_then(|record| best(record, "dataset", 2, None));
    let part = best(&records.dag, "dataset-part", 2, None);
    let theirs = by_engine(&records.dag, chfast::NAME, "dataset-part", 2);
    vec![
        Goal::of(
            "light cache of epoch 0",
            "at most 0.45 s",
            cache.map(|m| CACHE_ROWS / m.rate.median),
            |seconds| seconds <= 0.45,
            |seconds| format!("{seconds:.3} s"),
        ),
        Goal::of(
            "whole dataset of epoch 0 (1 GiB), 2 threads",
            "at most 21 s",
            whole.map(|m| DATASET_ITEMS / m.rate.median),
            |seconds| seconds <= 21.0,
            |seconds| format!("{seconds:.1} s"),
        ),
        Goal::of(
            "dataset items beside chfast, 2 threads",
            "at least 9 times as fast",
            pair(part, theirs),
            |ratio| ratio >= 9.0,
            times,
        ),
    ]
}

fn search(records: &Records) -> Vec<Goal> {
    let huge = (records.search_huge.best.pages.as_deref() == Some("huge")).then_some(&records.search_huge);
    let search = |threads| huge.and_then(|record| best(record, "search", threads, Some("huge")));
    let small = records.search_4k.as_ref().and_then(|record| best(record, "search", 2, Some("4k")));
    vec![
        Goal::of(
            "full search, 2 threads, huge pages, beside the machine's limit",
            "at least 0.95 of it",
            search(2).and_then(|m| m.ratio_to_limit).map(|ratio| ratio.median),
            |ratio| ratio >= 0.95,
            |ratio| format!("{ratio:.3}"),
        ),
        Goal::of(
            "full search, 1 thread, huge pages",
            "at least 550 kH/s",
            search(1).map(|m| m.rate.median),
            |rate| rate >= 550e3,
            kilohashes,
        ),
        Goal::of(
            "full search, 2 threads, 4 KiB pages",
            "at least 400 kH/s",
            small.map(|m| m.rate.median),
            |rate| rate >= 400e3,
            kilohashes,
        ),
    ]
}

fn light(record: &Record) -> Vec<Goal> {
    let batch = best(record, "light-hash-batch", 2, None);
    let single = best(record, "light-hash", 1, None);
    vec![
        Goal::of(
            "light verification in batches, 2 threads",
            "at least 3,000 H/s",
            batch.map(|m| m.rate.median),
            |rate| rate >= 3_000.0,
            |rate| format!("{rate:.0} H/s"),
        ),
        Goal::of(
            "light verification one by one, 1 thread",
            "at least 343 H/s",
            single.map(|m| m.rate.median),
            |rate| rate >= 343.0,
            |rate| format!("{rate:.0} H/s"),
        ),
    ]
}

fn devices(records: &Records) -> Vec<Goal> {
    let of = |benchmark: &str| {
        records
            .devices
            .iter()
            .filter(|r| r.benchmark == benchmark)
            .max_by(|a, b| a.hashrate_hps.total_cmp(&b.hashrate_hps))
    };
    let (search, dag) = (of("ethash"), of("dag"));
    let name = |record: Option<&Record>| record.and_then(|r| r.machine.device.clone()).unwrap_or_default();
    let (search_name, dag_name) = (name(search), name(dag));
    vec![
        Goal::of(
            "search on a graphics device beside its own limit",
            "at least 0.95 of it",
            search.and_then(|record| record.ratio_to_limit),
            |ratio| ratio >= 0.95,
            |ratio| format!("{ratio:.3} ({search_name})"),
        ),
        Goal::of(
            "search on an H200",
            "over 527 MH/s",
            search.filter(|_| search_name.contains("H200")).map(|record| record.hashrate_hps),
            |rate| rate > 527e6,
            |rate| format!("{:.1} MH/s", rate / 1e6),
        ),
        Goal::of(
            "dataset of epoch 0 on a graphics device",
            "under 2 s",
            dag.map(|record| DATASET_ITEMS / record.hashrate_hps),
            |seconds| seconds < 2.0,
            |seconds| format!("{seconds:.2} s ({dag_name})"),
        ),
    ]
}

/// Our fastest engine of a measure with that many threads.
pub(super) fn best<'r>(
    record: &'r Record,
    measure: &str,
    threads: usize,
    pages: Option<&str>,
) -> Option<&'r Measurement> {
    record
        .results
        .iter()
        .filter(|m| {
            let identity = &m.identity;
            identity.origin == Origin::Medrec
                && identity.measure == measure
                && identity.threads == threads
                && (pages.is_none() || identity.pages.as_deref() == pages)
        })
        .max_by(|a, b| a.rate.median.total_cmp(&b.rate.median))
}

fn by_engine<'r>(record: &'r Record, engine: &str, measure: &str, threads: usize) -> Option<&'r Measurement> {
    record.results.iter().find(|m| {
        let identity = &m.identity;
        identity.engine == engine && identity.measure == measure && identity.threads == threads
    })
}

/// The median ratio of two contenders within the rounds of a run.
pub(super) fn pair(left: Option<&Measurement>, right: Option<&Measurement>) -> Option<f64> {
    let rates = |m: &Measurement| m.samples.iter().map(|sample| sample.rate).collect::<Vec<f64>>();
    median_ratio(&rates(left?), &rates(right?))
}

fn times(ratio: f64) -> String {
    format!("{ratio:.2} times")
}

fn kilohashes(rate: f64) -> String {
    format!("{:.0} kH/s", rate / 1e3)
}
