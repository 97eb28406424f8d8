//! What an operator says about the nodes.

use std::time::Duration;

use alloy_primitives::B256;

/// Where the nodes are and what they have to be.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// `http://HOST:PORT` of each node, the preferred one first. The others stand in when it fails.
    pub urls: Vec<String>,
    /// The id that the chain must have.
    pub chain_id: u64,
    /// The hash that block 0 must have; `None` trusts the id alone.
    pub genesis_hash: Option<B256>,
    /// Longest wait for one answer, connecting included.
    pub call_timeout: Duration,
    /// Largest answer, in bytes.
    pub max_response_bytes: usize,
    /// Age of the newest block from which on a node counts as behind. `None` for chains that stand still between
    /// transactions: then a node that lost its peers cannot be told from a quiet chain.
    pub max_head_age: Option<Duration>,
    /// How many blocks a node may be below the highest block seen in the last ten minutes. A re-organisation can take a few blocks
    /// back; a fail-over to a node that stands still must not bring back what was revoked since.
    pub max_lag_blocks: u64,
}

impl ClientOptions {
    /// Options for nodes of one chain: 10 s an answer of at most 32 MiB, heads at most 5 minutes old and 3 blocks low.
    pub fn new(urls: impl IntoIterator<Item = impl Into<String>>, chain_id: u64) -> Self {
        Self {
            urls: urls.into_iter().map(Into::into).collect(),
            chain_id,
            genesis_hash: None,
            call_timeout: Duration::from_secs(10),
            max_response_bytes: 32 << 20,
            max_head_age: Some(Duration::from_mins(5)),
            max_lag_blocks: 3,
        }
    }
}
