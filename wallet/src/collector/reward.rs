//! What a block earned, and how far its collection is.

use std::path::{Path, PathBuf};

use medrec_domain::Digest;
use medrec_domain::identifier::{Address, EpochNumber};
use medrec_protocol::methods::provider::Posting;
use serde::{Deserialize, Serialize};

use crate::researcher::bounty_of;

/// Something that the miner of a block may collect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reward {
    /// A shard of a provider's census.
    Shard {
        /// The provider.
        provider: Address,
        /// The epoch that the block earns from.
        epoch: EpochNumber,
    },
    /// The answer to a bounty that the block carried.
    Bounty {
        /// Its terms.
        posting: Posting,
    },
}

/// A reward of one block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The block's number.
    pub number: u64,
    /// The block's hash.
    pub hash: Digest,
    /// Who mined it.
    pub miner: Address,
    /// What it earned.
    pub reward: Reward,
    /// How far the collection is.
    pub state: ClaimState,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Not before this second.
    pub next_s: u64,
    /// What went wrong the last time.
    pub problem: Option<String>,
}

/// How far a collection is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClaimState {
    /// To be asked for.
    Waiting,
    /// Verified and on disk. A bounty's receipt is still to be confirmed on chain.
    Stored {
        /// The file.
        path: PathBuf,
        /// Its manifest.
        manifest: Digest,
    },
    /// On disk, and nothing is left to do.
    Done {
        /// The file.
        path: PathBuf,
        /// Its manifest.
        manifest: Digest,
    },
    /// The gatekeeper says no, and will not say otherwise.
    Refused,
    /// Its block is no longer part of the chain: the reward is another miner's.
    Moved,
}

impl Claim {
    /// A new claim.
    pub(super) const fn new(number: u64, hash: Digest, miner: Address, reward: Reward) -> Self {
        let state = ClaimState::Waiting;
        Self { number, hash, miner, reward, state, attempts: 0, next_s: 0, problem: None }
    }

    /// Who owes it.
    pub const fn provider(&self) -> Address {
        match &self.reward {
            Reward::Shard { provider, .. } => *provider,
            Reward::Bounty { posting } => posting.provider,
        }
    }

    /// What it is known by: one reward of one provider has one key, so it is collected once.
    pub(super) fn key(&self) -> String {
        match &self.reward {
            Reward::Shard { provider, .. } => format!("shard/{:020}/{provider:?}", self.number),
            Reward::Bounty { posting } => format!("bounty/{}", bounty_of(posting)),
        }
    }

    /// Where its bundle lies below the collector's folder.
    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        let provider = folder.join(format!("{:?}", self.provider()));
        match &self.reward {
            Reward::Shard { epoch, .. } => {
                provider.join(format!("epoch-{epoch}")).join(format!("block-{}.tar.zst", self.number))
            }
            Reward::Bounty { posting } => {
                provider.join("bounties").join(format!("{}.tar.zst", bounty_of(posting)))
            }
        }
    }

    /// In a few words.
    pub fn words(&self) -> String {
        match &self.reward {
            Reward::Shard { provider, epoch } => {
                format!("shard of epoch {epoch} of {provider} for block {}", self.number)
            }
            Reward::Bounty { posting } => {
                format!("bounty {} of {} in block {}", bounty_of(posting), posting.provider, self.number)
            }
        }
    }

    /// Notes a vain attempt: pauses double from 5 seconds to an hour.
    pub(super) fn put_off(&mut self, now_s: u64, problem: String) {
        let pause_s = 5_u64.saturating_mul(1 << self.attempts.min(10)).min(3_600);
        self.attempts = self.attempts.saturating_add(1);
        self.next_s = now_s.saturating_add(pause_s);
        self.problem = Some(problem);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_seconds_to_an_hour() {
        let reward = Reward::Shard { provider: Address([1; 20]), epoch: EpochNumber(1) };
        let mut claim = Claim::new(7, Digest([1; 32]), Address([2; 20]), reward);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            claim.put_off(100, "down".to_owned());
            pauses.push(claim.next_s - 100);
        }
        assert_eq!(pauses[..4], [5, 10, 20, 40]);
        assert_eq!(pauses[11], 3_600);
        assert_eq!(claim.attempts, 12);
    }
}
