//! What a miner has done and is doing, as one document.

use alloy_primitives::{Address, B256, U256};
use serde::Serialize;

use crate::meter::DeviceStatistics;
use crate::source::NodeStatistics;

/// What became of solutions. `found` is the sum of the others but `wrong`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SolutionStatistics {
    /// Confirmed by the CPU.
    pub found: u64,
    /// Taken by a node.
    pub accepted: u64,
    /// Refused by a node, which does not say why.
    pub rejected: u64,
    /// Too old when a node could be reached.
    pub stale: u64,
    /// On their way, or waiting for a node.
    pub pending: u64,
    /// Not confirmed by the CPU, and never submitted.
    pub wrong: u64,
    /// Milliseconds from find to answer, averaged over accepted ones.
    pub latency_ms: u64,
}

/// What is worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkStatistics {
    /// The block's number, where it is told.
    pub number: Option<u64>,
    /// The hash that is worked on.
    pub seal_hash: B256,
    /// The difficulty.
    pub difficulty: U256,
    /// The epoch.
    pub epoch: u64,
    /// The node that gave it.
    pub node: String,
    /// Whom the block pays, where it is known.
    pub coinbase: Option<Address>,
    /// Whether it is solved, and new work is waited for.
    pub is_solved: bool,
}

/// A dataset that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PreparationStatistics {
    /// Its epoch.
    pub epoch: u64,
    /// Items of 64 bytes that are there.
    pub done_items: u64,
    /// All of them; 0 until it has begun.
    pub total_items: u64,
}

/// Everything about a miner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// Hashes a second of all devices, over the last ten seconds.
    pub hashrate_hps: u64,
    /// Hashes a second of all devices since the start.
    pub average_hashrate_hps: u64,
    /// Hashes of all devices since the start.
    pub hashes: u64,
    /// Works received.
    pub works: u64,
    /// What became of solutions.
    pub solutions: SolutionStatistics,
    /// What is worked on.
    pub work: Option<WorkStatistics>,
    /// The dataset that is being built.
    pub preparation: Option<PreparationStatistics>,
    /// Each device.
    pub devices: Vec<DeviceStatistics>,
    /// Each node.
    pub nodes: Vec<NodeStatistics>,
}
