//! The demo's miners: two researchers, each with a coinbase of its own, on this machine's processor.

use std::time::Duration;

use alloy_signer_local::PrivateKeySigner;
use medrec_miner::{DatasetPolicy, Miner, MinerHandle, MinerOptions, Statistics};

/// A researcher who mines.
pub(super) struct Researcher {
    /// Public name.
    pub(super) name: &'static str,
    /// The key of its coinbase: it claims what its blocks earned.
    pub(super) signer: PrivateKeySigner,
}

/// Names of the two researchers.
pub(super) const NAMES: [&str; 2] = ["Institute for Epidemiology", "Public Health Observatory"];

impl Researcher {
    /// Two researchers with fresh keys.
    pub(super) fn two() -> Vec<Self> {
        NAMES.iter().map(|&name| Self { name, signer: PrivateKeySigner::random() }).collect()
    }

    /// Starts mining at a node with these threads. The chain's difficulty is low: no dataset is built.
    pub(super) async fn mine(&self, node: &str, threads: usize) -> anyhow::Result<MinerHandle> {
        let mut options = MinerOptions::new([node]);
        options.coinbase = Some(self.signer.address());
        options.threads = threads;
        options.dataset = DatasetPolicy::Never;
        options.request_timeout = Duration::from_secs(10);
        Ok(Miner::start(options).await?)
    }
}

/// Threads of each of `miners` on this machine.
pub(super) fn threads(miners: usize) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors / miners.max(1)).max(1)
}

/// Both hashrates in one line.
pub(super) fn in_words(statistics: &[Statistics]) -> String {
    let of = |one: &Statistics| format!("{} H/s, {} blocks", one.hashrate_hps, one.solutions.accepted);
    statistics.iter().map(of).collect::<Vec<_>>().join("; ")
}
