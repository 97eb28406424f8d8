//! Keccak-256 and Keccak-512 as Ethereum uses them: the padding is `0x01 … 0x80` of the original
//! Keccak submission, not the `0x06 … 0x80` of FIPS 202.
//!
//! [`Engine`] hashes one message or a batch of messages of one length; [`mod@reference`] is the
//! specification, word by word, that every engine is tested against.

pub mod engine;
pub(crate) mod lanes;
pub(crate) mod permutation;
pub mod reference;
pub(crate) mod sponge;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

pub use engine::Engine;

/// A 256-bit digest, in the byte order of the specification.
pub type Digest256 = [u8; 32];

/// A 512-bit digest, in the byte order of the specification.
pub type Digest512 = [u8; 64];
