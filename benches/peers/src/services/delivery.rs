//! From a solved block to a verified bundle on disk: `medrec mine --collect`, watched from outside.
//!
//! A block's time is when the miner says that a node accepted it, its bundle's when the miner says that it is verified
//! and stored. In between lie twelve blocks more, which nobody can hurry; what is left when the twelfth is taken away is ours.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use medrec_benches::definition::dag::light_cache;
use medrec_benches::definition::light::thread_hashrate_hps;
use medrec_kernels::ethash::{Parameters, Schedule};

use super::town::Town;
use crate::process::{Service, command};

/// Blocks on top of one that earns.
const CONFIRMATIONS: u64 = 12;
/// For how long the hashrate is measured.
const MEASURED: Duration = Duration::from_millis(500);
/// Seconds that a block should take, beside all that works on the same machine.
const BLOCK_SECONDS: f64 = 1.2;
/// Longest time without a bundle.
const PATIENCE: Duration = Duration::from_mins(3);

/// How long bundles took.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Deliveries {
    /// From the block to its bundle.
    pub(super) whole: Vec<Duration>,
    /// From the twelfth block on top of it to the bundle.
    pub(super) after_confirmation: Vec<Duration>,
}

/// The difficulty at which one thread of this machine finds a block in a little more than a second.
pub(super) fn difficulty() -> anyhow::Result<u64> {
    let cache = light_cache(&Parameters::of_epoch(Schedule::Ethash, 0)?)?;
    let difficulty = thread_hashrate_hps(&cache, MEASURED) * BLOCK_SECONDS;
    format!("{:.0}", difficulty.clamp(100.0, 1e15)).parse().context("the difficulty is no whole number")
}

/// The lab's miner, one thread and no dataset, which collects from the network of `network.json` once that is there.
pub(super) fn miner(town: &Town) -> anyhow::Result<Service> {
    let arguments = ["mine", "--dataset", "never", "--threads", "1", "--keystore", "lab.json"];
    let rest = ["--collect", "rewards", "--node", &town.node_url];
    Service::start("medrec mine", command(&town.program, &town.folder, &[&arguments[..], &rest].concat()))
}

/// A miner that only makes blocks, until there is something to collect.
pub(super) fn mere_miner(town: &Town) -> anyhow::Result<Service> {
    let arguments = ["mine", "--dataset", "never", "--threads", "1", "--node", &town.node_url];
    Service::start("medrec mine", command(&town.program, &town.folder, &arguments))
}

/// Follows the miner until it has stored so many bundles of blocks whose acceptance it told.
pub(super) fn watch(miner: &Service, bundles: usize) -> anyhow::Result<Deliveries> {
    let mut seen = Seen::default();
    let mut deliveries = Deliveries::default();
    while deliveries.whole.len() < bundles {
        let Ok(line) = miner.lines.recv_timeout(PATIENCE) else {
            bail!("the miner stored no bundle for {} s", PATIENCE.as_secs());
        };
        seen.take(&line.text, line.at, &mut deliveries);
    }
    Ok(deliveries)
}

/// When which block was accepted.
#[derive(Debug, Default)]
struct Seen {
    accepted: BTreeMap<u64, Instant>,
}

impl Seen {
    fn take(&mut self, text: &str, at: Instant, deliveries: &mut Deliveries) {
        let number = |text: &str| text.split(' ').next()?.trim_end_matches([',', ':']).parse::<u64>().ok();
        if text.contains(" accepted after ") {
            let block = text.strip_prefix("block ").and_then(number);
            self.accepted.extend(block.map(|number| (number, at)));
        } else if text.starts_with("stored: ") {
            let block = text.split(" block ").nth(1).and_then(number);
            let times = block.and_then(|number| {
                let solved = self.accepted.get(&number)?;
                let confirmed = self.accepted.get(&(number + CONFIRMATIONS))?;
                Some((at.duration_since(*solved), at.duration_since(*confirmed)))
            });
            if let Some((whole, after)) = times {
                deliveries.whole.push(whole);
                deliveries.after_confirmation.push(after);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_counts_from_its_own_block_and_from_the_twelfth_on_top() {
        let (mut seen, mut deliveries) = (Seen::default(), Deliveries::default());
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for number in 40..=53 {
            let text = format!("block {number} accepted after 3 ms");
            seen.take(&text, at(number), &mut deliveries);
        }
        let stored = |number: u64| {
            format!("stored: shard of epoch 1 of 0xab for block {number}  rewards/block-{number}.tar.zst")
        };
        seen.take(&stored(41), at(54), &mut deliveries);
        assert_eq!(deliveries.whole, [Duration::from_secs(13)]);
        assert_eq!(deliveries.after_confirmation, [Duration::from_secs(1)]);
        // Somebody else's block, or one from before: nobody saw when it was solved.
        seen.take(&stored(39), at(55), &mut deliveries);
        seen.take("45.00 H/s (light), block 54, difficulty 9", at(55), &mut deliveries);
        assert_eq!(deliveries.whole.len(), 1);
    }
}
