//! What came of the demo: for people in a few lines, for programs as one document.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use medrec_domain::identifier::Address;
use medrec_domain::{Digest, Rho};
use medrec_miner::MinerHandle;
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::provider::{EpochAnswer, Posting};
use serde::Serialize;

use super::harvest::{self, Bundle};
use super::miners::Researcher;
use super::providers::Provider;
use super::rigs::Rigs;
use super::story::{Decisions, short};
use crate::shell::Shell;

/// What the stage gives.
pub(super) struct Found {
    pub(super) decisions: Decisions,
    pub(super) posting: Posting,
    pub(super) censuses: Vec<EpochAnswer>,
    /// Bundles of each researcher.
    pub(super) bundles: Vec<Vec<Bundle>>,
    pub(super) blocks: u64,
}

/// Who mined, and with what: in the same order.
pub(super) struct Mining<'a> {
    pub(super) researchers: &'a [Researcher],
    pub(super) rigs: &'a Rigs,
    pub(super) miners: &'a [MinerHandle],
}

/// A provider and its census.
#[derive(Debug, Serialize)]
struct Census {
    provider: Address,
    name: &'static str,
    patients: usize,
    root: Digest,
    consent_root: Digest,
    shards: u32,
    rho: Rho,
}

/// A miner and what it earned.
#[derive(Debug, Serialize)]
struct Earned {
    name: &'static str,
    coinbase: Address,
    device: String,
    blocks: u64,
    hashrate_hps: u64,
    bundles: Vec<Bundle>,
    report: Option<PathBuf>,
}

/// Everything, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    out: PathBuf,
    seconds: f64,
    blocks: u64,
    decisions: Decisions,
    bounty: Posting,
    providers: Vec<Census>,
    miners: Vec<Earned>,
    bundles: usize,
    valid: usize,
}

impl Outcome {
    /// Puts it together, and unpacks one bundle of each researcher.
    pub(super) fn new(
        out: &Path,
        providers: &[Provider],
        mining: &Mining<'_>,
        found: Found,
        seconds: f64,
    ) -> anyhow::Result<Self> {
        let censuses = providers.iter().zip(found.censuses).map(|(provider, answer)| Census {
            provider: provider.counter.gatekeeper.provider(),
            name: provider.name,
            patients: provider.patients.len(),
            root: answer.root,
            consent_root: answer.consent_root,
            shards: answer.shards,
            rho: answer.rho,
        });
        let Mining { researchers, rigs, miners } = mining;
        let mut earned = Vec::new();
        for ((index, researcher), ((miner, rig), bundles)) in
            (1..).zip(*researchers).zip(miners.iter().zip(&rigs.each).zip(found.bundles))
        {
            let shown = bundles.iter().find(|bundle| bundle.is_valid);
            let folder = out.join(format!("researcher-{index}")).join("opened");
            let report = shown.map(|bundle| harvest::unpack(bundle, &folder)).transpose()?;
            let statistics = miner.statistics();
            earned.push(Earned {
                name: researcher.name,
                coinbase: from_chain(researcher.signer.address()),
                device: rigs.name(rig),
                blocks: statistics.solutions.accepted,
                hashrate_hps: statistics.average_hashrate_hps,
                bundles,
                report,
            });
        }
        let all = || earned.iter().flat_map(|miner| &miner.bundles);
        let (bundles, valid) = (all().count(), all().filter(|bundle| bundle.is_valid).count());
        ensure!(
            bundles > 0,
            "no bundle was collected in {} blocks\n\nhint: --blocks takes a larger number",
            found.blocks
        );
        let outcome = Self {
            out: out.to_path_buf(),
            seconds: (seconds * 10.0).round() / 10.0,
            blocks: found.blocks,
            decisions: found.decisions,
            bounty: found.posting,
            providers: censuses.collect(),
            bundles,
            valid,
            miners: earned,
        };
        let text = serde_json::to_string_pretty(&outcome)? + "\n";
        let path = out.join("summary.json");
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(outcome)
    }

    /// Prints it.
    pub(super) fn tell(&self, shell: &mut Shell) -> anyhow::Result<()> {
        ensure!(
            self.valid == self.bundles,
            "{} of {} bundles are not valid",
            self.bundles - self.valid,
            self.bundles
        );
        if shell.wants_json() {
            return shell.json(self);
        }
        let mut text = format!(
            "\n{} blocks in {} s; {} bundles, every one verified offline and against the chain\n",
            self.blocks, self.seconds, self.bundles
        );
        for miner in &self.miners {
            let bounties = miner.bundles.iter().filter(|bundle| bundle.kind == "bounty").count();
            _ = write!(
                text,
                "\n{} ({})\n  {} blocks at {} H/s ({}); {} census shards, {bounties} bounty answers\n",
                miner.name,
                short(miner.coinbase),
                miner.blocks,
                miner.hashrate_hps,
                miner.device,
                miner.bundles.len() - bounties
            );
            if let Some(report) = &miner.report {
                _ = writeln!(text, "  report: {}", report.display());
            }
        }
        let first = self.miners.iter().flat_map(|miner| &miner.bundles).next();
        if let Some(bundle) = first {
            _ = write!(
                text,
                "\nall of it: {}\ntry: medrec verify {}\n",
                self.out.display(),
                bundle.path.display()
            );
        }
        shell.result(&text)
    }
}
