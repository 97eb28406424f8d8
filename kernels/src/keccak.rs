//! Keccak-256 and Keccak-512 as Ethereum uses them: the padding is `0x01 … 0x80` of the original
//! Keccak submission, not the `0x06 … 0x80` of FIPS 202.

pub mod reference;

/// A 256-bit digest, in the byte order of the specification.
pub type Digest256 = [u8; 32];

/// A 512-bit digest, in the byte order of the specification.
pub type Digest512 = [u8; 64];
