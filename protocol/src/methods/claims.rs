//! Rewards: what the miner of a block may collect.

use medrec_domain::Digest;
use medrec_domain::identifier::BlockNumber;
use serde::{Deserialize, Serialize};

use super::methods;
use super::provider::Posting;

methods! {
    /// The answer to a bounty, for the miner of the block that carried it: the bytes of a bundle.
    Bounty "claims/bounty" (BountyBody) -> ();
    /// The shard of the census that a block earned its miner: the bytes of a bundle, padded to the size of all.
    Shard "claims/shard" (ShardBody) -> ();
}

/// Media type of a bundle's bytes.
pub const BUNDLE_TYPE: &str = "application/zstd";

/// Which bounty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BountyBody {
    /// Its terms, as posted.
    pub posting: Posting,
}

/// Which block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardBody {
    /// Its number.
    pub number: BlockNumber,
    /// Its hash, so that a block that was replaced earns nothing.
    pub hash: Digest,
}
