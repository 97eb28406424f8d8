//! What a miner is told before it starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::Address;
use medrec_kernels::ethash::{Engine, Schedule};
use medrec_kernels::opencl::Device;

/// Whether datasets are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetPolicy {
    /// The processor's is built in the background, from the stored file where there is one, with light hashing until it is
    /// there; a device makes its own before it searches.
    Auto,
    /// Light hashing only, on devices too: for chains of low difficulty, where a gigabyte would be built for nothing.
    Never,
}

/// Options of a miner.
#[derive(Debug, Clone)]
pub struct MinerOptions {
    /// URLs of nodes (`http://HOST:PORT`), the preferred one first.
    pub nodes: Vec<String>,
    /// Whom blocks should pay. Our own node takes it as an argument of `eth_getWork`; others pay their own coinbase,
    /// and [`crate::MinerEvent::CoinbaseRefused`] says so.
    pub coinbase: Option<Address>,
    /// How blocks share epochs.
    pub schedule: Schedule,
    /// Search threads of the processor; 0 leaves it idle.
    pub threads: usize,
    /// Instruction set of those threads.
    pub engine: Engine,
    /// OpenCL devices that search.
    pub devices: Vec<Device>,
    /// The most hashes a second that each of these devices may do; `None`: all it can.
    pub device_limit_hps: Option<u64>,
    /// Whether datasets are made.
    pub dataset: DatasetPolicy,
    /// Folder of stored light caches, datasets and tunings; `None` keeps everything in memory.
    pub cache_folder: Option<PathBuf>,
    /// Where nodes may post notifications of new work.
    pub notify_listen: Option<SocketAddr>,
    /// Where the monitoring API listens.
    pub api: Option<SocketAddr>,
    /// Stop after this many accepted blocks.
    pub block_limit: Option<u64>,
    /// How long a node may take for an answer.
    pub request_timeout: Duration,
    /// How often several nodes are held against each other, to find one that stands still.
    pub compare_every: Duration,
}

impl MinerOptions {
    /// Options for mining at `nodes` with every processor core and the fastest engine, by Ethash, with a dataset that is
    /// not kept on disk; no listeners, no end.
    pub fn new<U: Into<String>>(nodes: impl IntoIterator<Item = U>) -> Self {
        Self {
            nodes: nodes.into_iter().map(Into::into).collect(),
            coinbase: None,
            schedule: Schedule::Ethash,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            engine: Engine::best(),
            devices: Vec::new(),
            device_limit_hps: None,
            dataset: DatasetPolicy::Auto,
            cache_folder: None,
            notify_listen: None,
            api: None,
            block_limit: None,
            request_timeout: Duration::from_secs(5),
            compare_every: Duration::from_secs(5),
        }
    }
}
