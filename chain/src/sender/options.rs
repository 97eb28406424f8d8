//! How an account sends, and what it is asked to send.
//!
//! What not: anything that happens to a request once it is accepted.

use std::time::Duration;

use super::fees::FeePolicy;
use crate::contracts::Act;

/// How an account sends.
#[derive(Debug, Clone)]
pub struct SenderOptions {
    /// Blocks after the one that carries a transaction until it is settled. Zero settles in the block itself.
    pub confirmations: u64,
    /// What may be paid.
    pub fees: FeePolicy,
    /// How long a transaction may wait in pools before one that offers more takes its place.
    pub replace_after: Duration,
    /// Pause between passes.
    pub poll_interval: Duration,
    /// Most transactions that are not settled; pools bound what they keep of one account at 64.
    pub max_outstanding: usize,
}

impl Default for SenderOptions {
    /// 12 confirmations, replacement after a minute, a pass a second, 64 outstanding.
    fn default() -> Self {
        Self {
            confirmations: 12,
            fees: FeePolicy::default(),
            replace_after: Duration::from_mins(1),
            poll_interval: Duration::from_secs(1),
            max_outstanding: 64,
        }
    }
}

/// An act to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// What to do.
    pub act: Act,
    /// The caller's own name for it. A second request with the same name and act is the first one again, also after a restart;
    /// so a caller that does not know whether it was accepted asks again.
    pub key: Option<String>,
    /// Gas that it may use. `None` has it estimated on top of the newest block, where a refusal shows before anything is sent;
    /// give it where that state cannot be right yet.
    pub gas_limit: Option<u64>,
}

impl From<Act> for Request {
    fn from(act: Act) -> Self {
        Self { act, key: None, gas_limit: None }
    }
}

impl Request {
    /// Names the request.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the gas that it may use.
    #[must_use]
    pub fn with_gas_limit(mut self, gas_limit: u64) -> Self {
        self.gas_limit = Some(gas_limit);
        self
    }
}
