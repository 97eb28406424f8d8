//! `medrec-peers services`: what the services do in a second, how long a bundle takes, how much memory each holds.
//!
//! Two towns are founded with the binary's own commands, each service a process of its own. In the first one, whose node
//! makes a block a second, fifty clients read under a grant and the lab claims; in the second one `medrec mine` solves the
//! blocks and collects what they earn.

mod chain;
mod claims;
mod delivery;
mod load;
mod reads;
mod town;

use std::path::Path;

use anyhow::Context as _;
use medrec_benches::statistics::as_f64;
use medrec_benches::utc::Utc;

use self::chain::Chain;
use self::load::Times;
use self::town::{Blocks, Town};
use crate::anonymize::medrec;
use crate::arguments::ServicesArguments;
use crate::document::{Document, Row};
use crate::process::Service;
use crate::progress::say;

/// Mebibyte, for figures.
const MEBIBYTE: f64 = 1_048_576.0;
/// Blocks after a census's commitment until one earns a part of it.
const LEAD: u64 = 12;
/// Claims of each block after its first one.
const CLAIMS_AGAIN: usize = 10;

/// Measures and saves the document.
pub(crate) fn run(arguments: &ServicesArguments) -> anyhow::Result<()> {
    let program = medrec()?;
    let mut document = Document::new(
        "services",
        Utc::now(),
        &format!(
            "cargo build --release && cargo run --release -p medrec-peers -- services --persons {} --patients {} --clients {} --reads {} \
             --rounds {} --claimers {} --claims {} --bundles {}",
            arguments.persons,
            arguments.patients,
            arguments.clients,
            arguments.reads,
            arguments.rounds,
            arguments.claimers,
            arguments.claims,
            arguments.bundles
        ),
        serde_json::json!({
            "persons": arguments.persons, "patients": arguments.patients, "clients": arguments.clients,
            "reads": arguments.reads, "rounds": arguments.rounds, "claimers": arguments.claimers,
            "claims": arguments.claims, "bundles": arguments.bundles,
        }),
    );
    let folder = tempfile::tempdir().context("no temporary folder")?;
    document.rows.extend(first_town(&program, folder.path(), arguments)?);
    let folder = tempfile::tempdir().context("no temporary folder")?;
    document.rows.extend(second_town(&program, folder.path(), arguments)?);
    let path = document.save(&arguments.root, Utc::now())?;
    say(&format!("saved {}", path.display()));
    Ok(())
}

/// Reads and claims.
fn first_town(program: &Path, folder: &Path, arguments: &ServicesArguments) -> anyhow::Result<Vec<Row>> {
    say(&format!("a hospital with {} persons, {} patients", arguments.persons, arguments.patients));
    let (mut town, _) = Town::found(program, folder, &Blocks::OneASecond, arguments.persons, |_| Ok(None))?;
    town.populate(arguments.patients)?;
    let chain = Chain::of(&town)?;
    town.census()?;
    // The commitment lies in a block that is there, so what comes after the lead earns.
    let earning = chain.head()? + LEAD + 1;
    let mut rounds = Vec::new();
    for _ in 0..arguments.rounds.max(1) {
        let round = reads::measure(&town, arguments.clients, arguments.reads)?;
        say(&format!("  {:.0} signed reads a second", round.rate()));
        rounds.push(round);
    }
    rounds.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
    let middle = rounds.len() / 2;
    let mut rows = vec![served("signed reads", &rounds[middle], arguments.clients)];
    say(&format!("waiting for {} blocks that earn", arguments.claims));
    let claimers = usize::from(arguments.claimers);
    let claims = claims::measure(&town, &chain, earning, arguments.claims, CLAIMS_AGAIN, claimers)?;
    for (name, times) in [("first claims", &claims.first), ("claims again", &claims.again)] {
        say(&format!("  {:.0} {name} a second", times.rate()));
        let mut row = served(name, times, claimers);
        row.figures.insert("bundle_kib".to_owned(), size(claims.bundle_bytes) / 1_024.0);
        rows.push(row);
    }
    rows.push(weighed("medrec node", &town.node)?);
    rows.push(weighed("medrec gatekeeper", town.gatekeeper.as_ref().context("no gatekeeper")?)?);
    town.stop()?;
    Ok(rows)
}

/// Blocks that are mined, and what they earn.
fn second_town(program: &Path, folder: &Path, arguments: &ServicesArguments) -> anyhow::Result<Vec<Row>> {
    let difficulty = delivery::difficulty()?;
    say(&format!("a chain of difficulty {difficulty}, mined by one thread"));
    let blocks = Blocks::Mined(difficulty);
    let found =
        Town::found(program, folder, &blocks, arguments.persons, |town| delivery::mere_miner(town).map(Some));
    let (town, miner) = found?;
    town.census()?;
    miner.context("no miner")?.stop()?;
    let miner = delivery::miner(&town)?;
    let deliveries = delivery::watch(&miner, arguments.bundles)?;
    let row = |name: &str, times: &[std::time::Duration]| {
        let at = |percent| load::percentile(times, percent);
        say(&format!("  {name}: {:.2} s, 95 of 100 within {:.2} s", at(50), at(95)));
        Row::new(
            name,
            "medrec mine --collect",
            &[("bundles", size(times.len())), ("p50_seconds", at(50)), ("p95_seconds", at(95))],
        )
    };
    let mut rows = vec![
        row("block solved to bundle verified", &deliveries.whole),
        row("twelfth block on top to bundle verified", &deliveries.after_confirmation),
    ];
    rows.push(weighed("medrec mine --collect", &miner)?);
    miner.stop()?;
    town.stop()?;
    Ok(rows)
}

/// What clients had.
fn served(name: &str, times: &Times, clients: usize) -> Row {
    Row::new(
        name,
        "medrec gatekeeper",
        &[
            ("clients", size(clients)),
            ("per_second", times.rate()),
            ("p50_ms", times.percentile_ms(50)),
            ("p95_ms", times.percentile_ms(95)),
            ("p99_ms", times.percentile_ms(99)),
        ],
    )
}

/// A service's memory.
fn weighed(name: &str, service: &Service) -> anyhow::Result<Row> {
    let memory = service.memory()?;
    let [resident, peak] = [memory.resident_bytes, memory.peak_bytes].map(|bytes| as_f64(bytes) / MEBIBYTE);
    say(&format!("  {name}: {resident:.0} MiB, at most {peak:.0} MiB"));
    Ok(Row::new("memory", name, &[("resident_mib", resident), ("peak_mib", peak)]))
}

fn size(number: usize) -> f64 {
    as_f64(u64::try_from(number).unwrap_or(u64::MAX))
}
