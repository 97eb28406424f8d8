//! `medrec-peers mining`: what is left of bare light hashing when `medrec mine` does it for a node.
//!
//! Three real parts: `medrec node` serves work, `medrec mine` searches it, and the hashing of `medrec bench ethash --light`
//! takes turns with the miner on the same threads and engine, before it and after it. Node and miner share the
//! machine with the search, as they do for whoever mines at home, so the ratio says what all of mining costs.
//!
//! Once on a chain that is too hard for any block, and once on one with a block about every second.

mod process;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, bail};
use medrec_benches::definition::dag::light_cache;
use medrec_benches::definition::light::{CacheHasher, LightHashing};
use medrec_benches::error::BenchError;
use medrec_benches::harness::{self, Contender, Entry, Event, Identity, Origin, Outcome, Plan, Sample};
use medrec_benches::statistics::{Summary, as_f64};
use medrec_benches::utc::Utc;
use medrec_kernels::ethash::{LightCache, Parameters, Schedule};
use medrec_kernels::isa::Isa;

use self::process::{Miner, Node};
use crate::anonymize::medrec;
use crate::arguments::MiningArguments;
use crate::document::{Document, Row};
use crate::progress::say;
use crate::sources;

/// Difficulty that no run solves by light hashing.
const UNSOLVABLE: u64 = 1_000_000_000_000_000;
/// Seconds that a block should take on the other chain.
const BLOCK_SECONDS: f64 = 1.0;

/// Measures both chains and saves the document.
pub(crate) fn run(arguments: &MiningArguments) -> anyhow::Result<()> {
    let home = std::path::absolute(sources::folder())?.join("mining");
    if home.exists() {
        std::fs::remove_dir_all(&home)?;
    }
    std::fs::create_dir_all(&home)?;
    let isa = match &arguments.engine {
        Some(name) => Isa::by_name(name).with_context(|| format!("no engine is called {name}"))?,
        None => Isa::best(),
    };
    let threads =
        arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let parameters = Parameters::of_epoch(Schedule::Ethash, 0)?;
    let cache = light_cache(&parameters)?.with_isa(isa).context("the engine does not run here")?;
    let bench = Bench { arguments, home: &home, cache: &cache, isa, threads };
    let started_at = Utc::now();
    let bare_hps = bench.bare_hps()?;
    say(&format!("{bare_hps:.0} H/s of {} on {threads} threads", isa.name()));
    let easy = format!("{:.0}", (bare_hps * BLOCK_SECONDS).max(1.0)).parse()?;
    let mut document = Document::new(
        "mining",
        started_at,
        &format!(
            "cargo run --release -p medrec-peers -- mining --seconds {} --samples {} --engine {} --threads {threads}",
            arguments.seconds,
            arguments.samples,
            isa.name()
        ),
        serde_json::json!({
            "note": "`medrec mine --dataset never` at a `medrec node` on the same machine beside the bare hashing of `medrec bench ethash \
                     --light` in batches: same engine, same threads, by turns. `ratio` is the median over the turns of the miner's hashrate \
                     to the mean of the bare ones just before and after; the goal is 0.98 or more.",
            "engine": isa.name(), "threads": threads, "seconds": arguments.seconds, "samples": arguments.samples,
            "block_seconds": BLOCK_SECONDS,
        }),
    );
    for (name, difficulty) in [("no block", UNSOLVABLE), ("a block about every second", easy)] {
        say(&format!("{name}: difficulty {difficulty}"));
        let (row, warnings) = bench.row(name, difficulty)?;
        document.rows.push(row);
        for warning in warnings {
            say(&format!("  not quiet: {warning}"));
        }
    }
    let path = document.save(&arguments.root, Utc::now())?;
    say(&format!("saved {}", path.display()));
    std::fs::remove_dir_all(&home)?;
    Ok(())
}

/// What both chains are measured with.
struct Bench<'a> {
    arguments: &'a MiningArguments,
    home: &'a Path,
    cache: &'a LightCache,
    isa: Isa,
    threads: usize,
}

impl Bench<'_> {
    /// A first figure, from which the difficulty of the easy chain follows.
    fn bare_hps(&self) -> anyhow::Result<f64> {
        let hasher = CacheHasher { cache: self.cache, is_batch: true };
        let mut hashing = LightHashing { hasher: &hasher, cache: self.cache, threads: self.threads };
        hashing.check()?;
        hashing.sample(0.5)?;
        Ok(hashing.sample(self.arguments.seconds.min(2.0))?.rate())
    }

    /// One chain's row, and what makes its figures doubtful.
    fn row(&self, name: &str, difficulty: u64) -> anyhow::Result<(Row, Vec<String>)> {
        let program = medrec()?;
        let node = Node::start(&program, &self.home.join(format!("chain-{difficulty}")), difficulty)?;
        let blocks = Arc::new(AtomicU64::new(0));
        let mining = Mining {
            miner: Miner { program, node: node.url.clone(), engine: self.isa.name(), threads: self.threads },
            blocks: Arc::clone(&blocks),
        };
        let hasher = CacheHasher { cache: self.cache, is_batch: true };
        let bare = LightHashing { hasher: &hasher, cache: self.cache, threads: self.threads };
        let plan = Plan {
            samples: self.arguments.samples,
            sample_seconds: self.arguments.seconds,
            warm_up_seconds: self.arguments.seconds.min(1.0),
        };
        let entries = vec![Entry { contender: Box::new(mining), limit: Some(0) }];
        let outcome =
            harness::run(vec![Box::new(bare)], entries, &plan, &AtomicBool::new(false), &mut |event| {
                if let Event::Sampled { identity, rate } = event {
                    say(&format!("  {}: {rate:.1} H/s", identity.label()));
                }
            })?;
        let blocks = blocks.load(Ordering::Relaxed);
        let row = figures(name, self.isa.name(), &outcome, blocks)?;
        Ok((row, outcome.noise.warnings))
    }
}

/// The figures of one chain.
fn figures(name: &str, engine: &str, outcome: &Outcome, blocks: u64) -> anyhow::Result<Row> {
    let [bare, mined] = outcome.measurements.as_slice() else { bail!("not two contenders were measured") };
    let ratio: Summary = mined.ratio_to_limit.context("no ratio was measured")?;
    let seconds: f64 = mined.samples.iter().map(|record| record.sample.wall_seconds).sum();
    let mut figures = vec![
        ("bare_hps", bare.rate.median),
        ("mining_hps", mined.rate.median),
        ("ratio", ratio.median),
        ("ratio_minimum", ratio.minimum),
        ("ratio_maximum", ratio.maximum),
        ("blocks_per_second", as_f64(blocks) / seconds),
        ("samples", as_f64(mined.samples.len() as u64)),
    ];
    figures.extend(outcome.noise.others_percent.map(|percent| ("others_percent", percent)));
    Ok(Row::new(name, engine, &figures))
}

/// `medrec mine` as a contender: started anew for each sample, measured once it hashes.
struct Mining {
    miner: Miner,
    /// Blocks that the node took within samples.
    blocks: Arc<AtomicU64>,
}

impl Contender for Mining {
    fn identity(&self) -> Identity {
        Identity {
            engine: "medrec mine".to_owned(),
            origin: Origin::Medrec,
            measure: "light-hash-batch".to_owned(),
            unit: "hash".to_owned(),
            threads: self.miner.threads,
            pages: None,
        }
    }

    fn check(&mut self) -> Result<String, BenchError> {
        let running = self.miner.start()?;
        let (engine, workers) = running.engine_and_workers()?;
        if (engine.as_str(), workers) != (self.miner.engine, self.miner.threads) {
            let reason = format!("it hashes with {engine} on {workers} threads");
            return Err(BenchError::Contender { contender: "medrec mine".to_owned(), reason });
        }
        Ok("the engine and the threads that it says it hashes with; solutions are checked by itself and by the node"
            .to_owned())
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        let running = self.miner.start()?;
        let before = running.progress()?;
        std::thread::sleep(std::time::Duration::from_secs_f64(seconds));
        let after = running.progress()?;
        self.blocks.fetch_add(after.accepted - before.accepted, Ordering::Relaxed);
        Ok(Sample {
            work: after.hashes - before.hashes,
            wall_seconds: after.at.duration_since(before.at).as_secs_f64(),
            // Of the whole process, its start included: what the noise meter has to take off.
            cpu_seconds: running.cpu_seconds(),
            ..Sample::default()
        })
    }
}
