//! What a search is asked and what it answers.

use crate::ethash::{Boundary, Hashimoto};
use crate::keccak::Digest256;

/// Hashes that one thread keeps in flight.
pub const IN_FLIGHT: usize = 8;

/// A nonce whose result meets the boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Solution {
    /// The nonce, as the number that the header's 8 bytes hold in big-endian order.
    pub nonce: u64,
    /// Its mix hash, which goes into the header beside it, and its result, at or below the boundary.
    pub hash: Hashimoto,
}

/// What a search did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchOutcome {
    /// The solutions in the range that was hashed, in the order of their nonces.
    pub solutions: Vec<Solution>,
    /// Nonces hashed, from the first on: all of them, unless the search was stopped.
    pub hashes: u64,
}

/// What to search.
#[derive(Debug, Clone, Copy)]
pub struct SearchJob<'a> {
    /// The seal hash of the header: its Keccak-256 without mix and nonce.
    pub header: &'a Digest256,
    /// The boundary to meet.
    pub boundary: &'a Boundary,
    /// The first nonce; nonces wrap around at 2^64.
    pub first_nonce: u64,
    /// Nonces to hash.
    pub count: u64,
}
