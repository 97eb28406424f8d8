//! JSON-RPC as go-ethereum 1.11.6 answers it, for the methods that wallets, libraries and miners
//! really call.
//!
//! Methods are grouped as siblings by what they touch; each group answers for its names or passes.
//! `protocol` is the envelope (requests, batches, errors), `server` HTTP, `socket` WebSocket
//! and subscriptions. Everything here is read from the [`Backend`]; nothing is kept but filters.

pub mod error;
pub mod server;

mod access_list;
mod blocks;
mod calls;
mod debug;
mod fees;
mod filter_table;
mod filters;
mod logs;
mod mining;
mod network;
mod params;
mod protocol;
mod resolve;
mod socket;
mod state;
mod transactions;
mod view;

pub use error::RpcError;

use crate::backend::Backend;
use filter_table::Filters;
use medrec_transport::ConnectionLimits;
use params::Params;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Bounds on what clients may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcLimits {
    /// Bytes of a request, over HTTP or in one WebSocket message.
    pub body_bytes: usize,
    /// Requests in a batch.
    pub batch_requests: usize,
    /// Bytes of all answers of a batch.
    pub batch_response_bytes: usize,
    /// Connections, HTTP and WebSocket together.
    pub connections: ConnectionLimits,
    /// Requests that are worked on at once.
    pub concurrent_requests: usize,
    /// Filters at once.
    pub filters: usize,
    /// A filter that nobody asks about for this long is dropped.
    pub filter_lifetime: Duration,
    /// Logs in one answer.
    pub logs: usize,
    /// Subscriptions of one connection.
    pub subscriptions: usize,
    /// Gas of a simulated call.
    pub call_gas: u64,
    /// Blocks in one `eth_feeHistory`.
    pub fee_history_blocks: u64,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            body_bytes: 5 << 20,
            batch_requests: 1_000,
            batch_response_bytes: 25 << 20,
            connections: ConnectionLimits { most: 512, per_client: 256, ..ConnectionLimits::default() },
            concurrent_requests: 64,
            filters: 1_024,
            filter_lifetime: Duration::from_mins(5),
            logs: 10_000,
            subscriptions: 64,
            call_gas: 50_000_000,
            fee_history_blocks: 1_024,
        }
    }
}

/// The methods.
pub struct Rpc {
    backend: Arc<Backend>,
    filters: Filters,
    limits: RpcLimits,
}

type Answer = Result<Value, RpcError>;

impl Rpc {
    /// Methods over a backend.
    pub fn new(backend: Arc<Backend>, limits: RpcLimits) -> Self {
        Self { filters: Filters::new(limits.filters, limits.filter_lifetime), backend, limits }
    }

    /// The bounds in force.
    pub fn limits(&self) -> &RpcLimits {
        &self.limits
    }

    /// Answers one call. Blocks while it reads or executes.
    ///
    /// # Errors
    /// The JSON-RPC error that the client gets.
    pub fn call(&self, method: &str, params: Value) -> Answer {
        let params = Params::new(params)?;
        None.or_else(|| self.network(method, &params))
            .or_else(|| self.state(method, &params))
            .or_else(|| self.calls(method, &params))
            .or_else(|| self.access_lists(method, &params))
            .or_else(|| self.blocks(method, &params))
            .or_else(|| self.transactions(method, &params))
            .or_else(|| self.fees(method, &params))
            .or_else(|| self.filters(method, &params))
            .or_else(|| self.mining(method, &params))
            .or_else(|| self.debug(method, &params))
            .unwrap_or_else(|| Err(RpcError::method_not_found(method)))
    }
}
