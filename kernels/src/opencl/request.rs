//! What a search on a device is asked and what it answers.

use std::sync::Arc;
use std::time::Duration;

use super::launch::TARGET_LAUNCH;
use crate::ethash::{Boundary, Hashimoto, LightCache, Solution};
use crate::keccak::Digest256;

/// Hashes a nonce on the CPU, to confirm what a device found.
pub type Verify = Arc<dyn Fn(&Digest256, u64) -> Hashimoto + Send + Sync>;

/// A [`Verify`] that computes the items it needs from the light cache.
pub fn light_verifier(cache: Arc<LightCache>) -> Verify {
    Arc::new(move |header, nonce| cache.hashimoto(header, nonce))
}

/// What to search.
#[derive(Debug, Clone, Copy)]
pub struct SearchRequest {
    /// The block's seal hash.
    pub header: Digest256,
    /// A result at most this, as a big-endian number, is a solution.
    pub boundary: Boundary,
    /// The first nonce. Nonces wrap around after the last.
    pub start_nonce: u64,
    /// How many nonces to search.
    pub max_nonces: u64,
    /// Stop soon after this many solutions; None: find every solution of the range.
    pub max_solutions: Option<u32>,
}

/// What a search did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchOutcome {
    /// Confirmed solutions, in the order of their nonces.
    pub solutions: Vec<Solution>,
    /// Nonces hashed. After a stop or an early exit they are not one range.
    pub hashes: u64,
    /// The first nonce of the range that no launch has touched; start of what is left.
    pub next_nonce: u64,
}

/// What rarely needs to differ from its default.
#[derive(Debug, Clone, Copy)]
pub struct SearcherOptions {
    /// Solutions that one launch can report; a launch that meets more is searched again in halves.
    pub result_slots: u32,
    /// How long a launch should take.
    pub launch_target: Duration,
}

impl Default for SearcherOptions {
    fn default() -> Self {
        Self { result_slots: 256, launch_target: TARGET_LAUNCH }
    }
}
