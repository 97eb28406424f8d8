//! The demo's miners: two researchers, each with a coinbase of its own and something to mine with.

use std::time::Duration;

use alloy_signer_local::PrivateKeySigner;
use medrec_miner::{DatasetPolicy, DeviceState, Miner, MinerHandle, MinerOptions, Statistics};

use super::rigs::{RESEARCHERS, Rig, Rigs, Source};

/// A researcher who mines.
pub(super) struct Researcher {
    /// Public name.
    pub(super) name: &'static str,
    /// The key of its coinbase: it claims what its blocks earned.
    pub(super) signer: PrivateKeySigner,
}

/// Names of the two researchers.
pub(super) const NAMES: [&str; RESEARCHERS] = ["Institute for Epidemiology", "Public Health Observatory"];

impl Researcher {
    /// Two researchers with fresh keys.
    pub(super) fn two() -> Vec<Self> {
        NAMES.iter().map(|&name| Self { name, signer: PrivateKeySigner::random() }).collect()
    }

    /// Starts mining at a node. The chain's difficulty is low: no dataset is made.
    pub(super) async fn mine(&self, node: &str, rig: &Rig, rigs: &Rigs) -> anyhow::Result<MinerHandle> {
        let mut options = MinerOptions::new([node]);
        options.coinbase = Some(self.signer.address());
        options.engine = rigs.engine;
        match &rig.source {
            Source::Processor => options.threads = rigs.threads,
            Source::Device(device) => {
                options.threads = 0;
                options.devices = vec![device.clone()];
                options.device_limit_hps = Some(rigs.device_limit_hps()?);
            }
        }
        options.dataset = DatasetPolicy::Never;
        options.request_timeout = Duration::from_secs(10);
        Ok(Miner::start(options).await?)
    }
}

/// Both hashrates in one line, and what fails.
pub(super) fn in_words(statistics: &[Statistics]) -> String {
    let of = |one: &Statistics| {
        let failed = one
            .devices
            .iter()
            .find(|device| matches!(device.state, DeviceState::Failed | DeviceState::Hanging));
        let problem = failed.and_then(|device| {
            device.last_failure.as_ref().map(|why| format!(" ({}: {why})", device.device))
        });
        format!("{} H/s, {} blocks{}", one.hashrate_hps, one.solutions.accepted, problem.unwrap_or_default())
    };
    statistics.iter().map(of).collect::<Vec<_>>().join("; ")
}
