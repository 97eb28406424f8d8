//! What the services do in a second, how long a bundle takes, what a newcomer waits for.

use super::table::{figure, origin, table};
use crate::document::{Document, Row};

/// Reads, claims, delivery and memory.
pub(super) fn section(document: &Document) -> String {
    let of = |names: &[&str]| -> Vec<&Row> {
        document.rows.iter().filter(|row| names.contains(&row.name.as_str())).collect()
    };
    let cells = |row: &Row, names: &[&str]| -> Vec<String> {
        let figures = names.iter().map(|name| figure(row.figure(name)));
        [row.name.clone()].into_iter().chain(figures).collect()
    };
    let served: Vec<_> = of(&["signed reads", "first claims", "claims again"])
        .iter()
        .map(|row| cells(row, &["clients", "per_second", "p50_ms", "p95_ms", "p99_ms", "bundle_kib"]))
        .collect();
    let delivered: Vec<_> =
        of(&["block solved to bundle verified", "twelfth block on top to bundle verified"])
            .iter()
            .map(|row| cells(row, &["bundles", "p50_seconds", "p95_seconds"]))
            .collect();
    let memory: Vec<_> = of(&["memory"])
        .iter()
        .map(|row| {
            [vec![row.engine.clone()], cells(row, &["resident_mib", "peak_mib"])[1..].to_vec()].concat()
        })
        .collect();
    let setting = |name: &str| document.setting[name].to_string();
    let note = document.setting["note"].as_str().map_or_else(String::new, |note| format!("{note}\n\n"));
    format!(
        "\n## Services\n\nReal processes on one machine: a node, a gatekeeper over {} persons, a miner. So many connections at once, each asking one \
         question after the other; every question has a signature and a nonce of its own, is checked against the chain's present \
         head, and its decision is on the disk before its answer leaves. Clients share the machine with what they measure. A read is \
         a doctor's, of up to 20 measurements in four columns of one of {} patients; its rows are compared with the first answer's. A first claim \
         assembles, signs and stores a block's bundle; a claim again must give the same bytes:\n\n{}\n\
         From a block to its bundle, by `medrec mine --collect` on a chain of about a block a second. Twelve blocks on top are the wait \
         that the protocol asks for:\n\n{}\n\
         Memory at the end, and at most:\n\n{}\n{note}{}",
        setting("persons"),
        setting("patients"),
        table(&["", "connections", "a second", "p50 ms", "p95 ms", "p99 ms", "bundle KiB"], &served),
        table(&["", "bundles", "p50 seconds", "p95 seconds"], &delivered),
        table(&["", "MiB", "at most MiB"], &memory),
        origin(document),
    )
}

/// From a fresh clone to the demo's end.
pub(super) fn newcomer(document: &Document) -> String {
    let rows: Vec<_> = document
        .rows
        .iter()
        .map(|row| {
            let names = ["build_minutes", "demo_seconds", "whole_minutes", "blocks", "bundles"];
            names.iter().map(|name| figure(row.figure(name))).collect()
        })
        .collect();
    format!(
        "\n## A newcomer\n\nFrom `git clone` to the end of `cargo run --release -- demo`, crates fetched before:\n\n{}\n{}",
        table(&["build minutes", "demo seconds", "in all minutes", "blocks", "bundles"], &rows),
        origin(document),
    )
}
