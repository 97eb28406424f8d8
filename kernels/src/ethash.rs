//! Ethash, the proof of work of Ethereum before the merge, and Etchash (ECIP-1099).
//!
//! Terms are those of the specification (`ethash` in the Ethereum wiki, Appendix J of the yellow
//! paper): a *light cache* of 64-byte rows, a *dataset* of 64-byte items that are computed from it,
//! and *hashimoto*, which reads 64 *pages* of two adjacent items for one nonce.

pub mod boundary;
pub mod dataset;
mod items;
pub mod light;
pub mod parameters;
pub mod reference;
pub mod search;
pub(crate) mod vectors;

pub use boundary::Boundary;
pub use dataset::Dataset;
pub use light::LightCache;
pub use light::{BuildError, Seal, SealError};
pub use parameters::{Parameters, ParametersError, Schedule};
pub use search::{Engine, SearchJob, SearchOutcome, Solution};

use crate::keccak::Digest256;

/// A 64-byte row of the light cache or item of the dataset, as 16 little-endian words.
pub type Row = [u32; 16];

/// A 128-byte page of the dataset: two adjacent items, as 32 little-endian words.
pub type Page = [u32; 32];

/// What hashimoto gives for a header and a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashimoto {
    /// The compressed mix ("mix hash", "mix digest"), which goes into the block header.
    pub mix_hash: Digest256,
    /// The final hash, to be compared with the boundary as a big-endian number.
    pub result: Digest256,
}
