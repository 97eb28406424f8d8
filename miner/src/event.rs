//! What a miner tells while it works.

use alloy_primitives::{Address, B64, B256, U256};
use serde::Serialize;

/// A block that a node took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AcceptedBlock {
    /// The block's number, unless the node does not tell numbers.
    pub number: Option<u64>,
    /// The hash that was worked on.
    pub seal_hash: B256,
    /// The nonce that solves it.
    pub nonce: B64,
    /// The mix hash of that nonce.
    pub mix_hash: B256,
    /// Who is paid, where the node was told or told us.
    pub coinbase: Option<Address>,
    /// The node that took it.
    pub node: String,
    /// Milliseconds from the find to the node's answer.
    pub latency_ms: u64,
}

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MinerEvent {
    /// There is new work; the search switched to it.
    NewWork {
        /// The block's number, where it is told.
        number: Option<u64>,
        /// The hash that is worked on.
        seal_hash: B256,
        /// The difficulty.
        difficulty: U256,
        /// The node that gave it.
        node: String,
    },
    /// A device found a solution, and the CPU confirmed it.
    Found {
        /// The block's number, where it is told.
        number: Option<u64>,
        /// The hash that was worked on.
        seal_hash: B256,
        /// The nonce.
        nonce: B64,
        /// Who found it.
        device: String,
    },
    /// A node took a solution.
    Accepted(AcceptedBlock),
    /// A node did not take a solution; nodes do not say why.
    Rejected {
        /// The block's number, where it is told.
        number: Option<u64>,
        /// The hash that was worked on.
        seal_hash: B256,
        /// The nonce.
        nonce: B64,
        /// The node.
        node: String,
    },
    /// A solution came too late, or no node could be reached until then.
    Stale {
        /// The block's number, where it is told.
        number: Option<u64>,
        /// The hash that was worked on.
        seal_hash: B256,
        /// The nonce.
        nonce: B64,
    },
    /// A node does not answer as it should; it is tried again later.
    NodeFailed {
        /// The node.
        node: String,
        /// What it did.
        why: String,
    },
    /// A node that failed answers again.
    NodeRecovered {
        /// The node.
        node: String,
    },
    /// A node stands still while another one of its chain goes on; its work is not used until it has caught up, unless
    /// there is no other.
    NodeBehind {
        /// The node.
        node: String,
        /// Number of the block that it gives work for.
        number: u64,
        /// A node that went on.
        other: String,
        /// Number of the block that this one gives work for.
        other_number: u64,
    },
    /// A node that stood still has caught up.
    NodeCaughtUp {
        /// The node.
        node: String,
    },
    /// Work comes from this node from now on.
    NodeChosen {
        /// The node.
        node: String,
    },
    /// The node takes no address: it pays its own coinbase.
    CoinbaseRefused {
        /// The node.
        node: String,
        /// Whom it pays, where it tells.
        pays: Option<Address>,
    },
    /// The light cache of an epoch is there.
    CacheReady {
        /// The epoch.
        epoch: u64,
    },
    /// The dataset of an epoch is there.
    DatasetReady {
        /// The epoch.
        epoch: u64,
    },
    /// The dataset of an epoch cannot be had now; light hashing goes on, and it is tried again.
    DatasetFailed {
        /// The epoch.
        epoch: u64,
        /// Why.
        why: String,
    },
    /// A device failed, hangs or hashes wrongly; the others go on.
    DeviceFailed {
        /// The device.
        device: String,
        /// What it did.
        why: String,
    },
    /// A device that failed works again.
    DeviceRecovered {
        /// The device.
        device: String,
    },
}
