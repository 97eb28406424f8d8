//! What can go wrong with mining, by what the reader can do about it.

use std::net::SocketAddr;
use std::time::Duration;

use medrec_kernels::ethash::{BuildError, ParametersError};
use medrec_kernels::opencl::OpenClError;
use medrec_kernels::store::StoreError;

/// Why the miner does not start, or what a node or a device did wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MinerError {
    /// An option makes no sense: fix it.
    #[error("{what}: {why}")]
    Option {
        /// The option, with its value.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A listener's address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The operating system gave no random bits.
    #[error("the operating system gives no random bits: {source}")]
    Random {
        /// What it said.
        source: getrandom::Error,
    },
    /// The operating system gave no thread.
    #[error("cannot start a thread: {source}")]
    Thread {
        /// What it said.
        source: std::io::Error,
    },
    /// A node cannot be reached, or broke off: try again later, or another node.
    #[error("{url}: {why}")]
    Unreachable {
        /// The node.
        url: String,
        /// What happened.
        why: String,
    },
    /// A node did not answer in time.
    #[error("{url}: no answer within {timeout:?}")]
    Silent {
        /// The node.
        url: String,
        /// How long it was given.
        timeout: Duration,
    },
    /// A node answered with an error of its own.
    #[error("{url}: the node refuses: {message} (code {code})")]
    Refused {
        /// The node.
        url: String,
        /// JSON-RPC code.
        code: i64,
        /// The node's words, shortened.
        message: String,
    },
    /// A node answered what no honest node answers.
    #[error("{url}: the answer makes no sense: {why}")]
    Nonsense {
        /// The node.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// An epoch that cannot be mined.
    #[error(transparent)]
    Epoch(#[from] ParametersError),
    /// A light cache or dataset could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A stored light cache or dataset could not be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An OpenCL device failed.
    #[error(transparent)]
    Device(#[from] OpenClError),
}
