//! Where work comes from and solutions go.
//!
//! One trait, so that protocols are siblings of one shape: a source gives works one after the other, takes solutions
//! and hashrates, and keeps track of its nodes. How work is searched it does not know.

pub(crate) mod getwork;
mod heads;
mod node;
pub(crate) mod notify;
mod pace;
mod rpc;

use alloy_primitives::{Address, B64, B256};
use medrec_kernels::ethash::Parameters;
use serde::Serialize;

use crate::error::MinerError;
use crate::work::Work;

/// A work, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The work.
    pub(crate) work: Work,
    /// Its epoch; number and seed hash were held against each other.
    pub(crate) parameters: Parameters,
    /// Which of the source's nodes gave it.
    pub(crate) origin: usize,
    /// That node's name, for people.
    pub(crate) node: String,
    /// Whom the block pays, where it is known.
    pub(crate) coinbase: Option<Address>,
}

/// What is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Submission {
    /// Which of the source's nodes gave the work.
    pub(crate) origin: usize,
    /// The hash that was worked on.
    pub(crate) seal_hash: B256,
    /// The nonce.
    pub(crate) nonce: B64,
    /// Its mix hash.
    pub(crate) mix_hash: B256,
}

/// What a node said to a solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether it took it.
    pub(crate) is_accepted: bool,
    /// The node that said so.
    pub(crate) node: String,
}

/// How a node does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeStatistics {
    /// The node.
    pub node: String,
    /// Whether it answered as it should the last time it was asked; `None` before the first time.
    pub is_healthy: Option<bool>,
    /// Whether work comes from it.
    pub is_in_use: bool,
    /// Whether it stands still while another node of its chain goes on; its work is used only when there is no other.
    pub is_behind: bool,
    /// Answers that were as they should be.
    pub answers: u64,
    /// Failures and senseless answers.
    pub failures: u64,
    /// What the last failure was.
    pub last_failure: Option<String>,
    /// Milliseconds that an answer took, averaged over the last ones.
    pub latency_ms: u64,
}

/// A protocol by which work arrives.
pub(crate) trait WorkSource: Send + Sync + 'static {
    /// Waits for work that differs from the one given before.
    fn next_work(&self) -> impl Future<Output = Assignment> + Send;

    /// Brings a solution to a node.
    ///
    /// # Errors
    /// [`MinerError`] when no node could be asked that knows the work.
    fn submit(&self, submission: Submission) -> impl Future<Output = Result<Verdict, MinerError>> + Send;

    /// Tells the node in use how fast the miner is.
    fn report_hashrate(&self, hashrate_hps: u64, id: B256) -> impl Future<Output = ()> + Send;

    /// Holds the nodes against each other, and leaves those that stand still while others go on.
    fn compare_nodes(&self) -> impl Future<Output = ()> + Send;

    /// A node took a solution, so there is new work: look at once. Whoever has to solve a block for it cannot make it a
    /// busy loop.
    fn was_accepted(&self);

    /// There is likely to be new work: look as soon as polls may follow each other.
    fn hasten(&self);

    /// How the nodes do.
    fn nodes(&self) -> Vec<NodeStatistics>;
}
