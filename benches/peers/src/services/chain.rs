//! A town's chain, looked at from outside.

use std::time::{Duration, Instant};

use anyhow::bail;
use medrec_chain::Network;
use medrec_domain::Digest;
use medrec_protocol::bridge::from_word;
use medrec_wallet::Place;
use tokio::runtime::Runtime;

use super::town::Town;

/// Longest time without a new block.
const PATIENCE: Duration = Duration::from_mins(2);

/// A client of the town's node.
pub(super) struct Chain {
    place: Place,
    runtime: Runtime,
}

impl Chain {
    pub(super) fn of(town: &Town) -> anyhow::Result<Self> {
        let network = Network::read(&town.folder.join("network.json"))?;
        let place = Place::new(&network, [&town.node_url])?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { place, runtime })
    }

    /// The head's number.
    pub(super) fn head(&self) -> anyhow::Result<u64> {
        Ok(self.runtime.block_on(self.place.view())?.head().block.number)
    }

    /// Waits until the head has come so far.
    pub(super) fn wait_for(&self, number: u64) -> anyhow::Result<()> {
        let (mut last, mut moved) = (0, Instant::now());
        loop {
            let head = self.head()?;
            if head >= number {
                return Ok(());
            }
            if head > last {
                (last, moved) = (head, Instant::now());
            }
            if moved.elapsed() > PATIENCE {
                bail!("the chain stands still at block {head}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The hash of a block.
    pub(super) fn hash_of(&self, number: u64) -> anyhow::Result<Digest> {
        let view = self.runtime.block_on(self.place.view())?;
        let block = self.runtime.block_on(view.at(number))?;
        Ok(from_word(block.head().block.hash))
    }
}
