//! 32-byte digests and the hash that makes them.
//!
//! Keccak-256 as Ethereum uses it, since the contracts check the same digests. The crate `sha3` is
//! the reference implementation; the fast engines for mining live in the kernels and are not needed
//! for documents.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha3::Digest as _;

use crate::error::DomainError;

/// A 32-byte digest, written as `0x` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

/// Keccak-256 (the original padding, as in Ethereum; not FIPS 202 SHA3-256) of `message`.
pub fn keccak256(message: &[u8]) -> Digest {
    Digest(sha3::Keccak256::digest(message).into())
}

/// Keccak-256 of several pieces in a row, without copying them together.
pub fn keccak256_of(pieces: &[&[u8]]) -> Digest {
    let mut hasher = sha3::Keccak256::new();
    for piece in pieces {
        hasher.update(piece);
    }
    Digest(hasher.finalize().into())
}

/// Writes `0x` and lower-case hexadecimal digits.
pub(crate) fn write_hexadecimal(out: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    out.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

/// Reads `0x` and exactly `2 * N` hexadecimal digits of either case.
pub(crate) fn parse_hexadecimal<const N: usize>(
    what: &'static str,
    text: &str,
) -> Result<[u8; N], DomainError> {
    let refuse = || DomainError::text(what, text, format!("is not 0x and {} hexadecimal digits", 2 * N));
    let digits = text.strip_prefix("0x").ok_or_else(refuse)?.as_bytes();
    if digits.len() != 2 * N {
        return Err(refuse());
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = nibble(pair[0]).zip(nibble(pair[1])).ok_or_else(refuse)?;
        *byte = high << 4 | low;
    }
    Ok(bytes)
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hexadecimal(out, &self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hexadecimal(out, &self.0)
    }
}

impl FromStr for Digest {
    type Err = DomainError;
    fn from_str(text: &str) -> Result<Self, DomainError> {
        parse_hexadecimal("digest", text).map(Self)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_ethereums_keccak_and_not_sha3() {
        // The empty string's hash, known to every Ethereum client as the hash of no code.
        let empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(keccak256(b"").to_string(), empty);
        assert_eq!(keccak256_of(&[b"med", b"", b"rec"]), keccak256(b"medrec"));
    }

    #[test]
    fn malformed_digests_are_refused() {
        for text in ["", "0x", "c5d2", &format!("0x{}", "0".repeat(63)), &format!("0x{}", "g".repeat(64))] {
            assert!(text.parse::<Digest>().is_err(), "{text:?} was accepted");
        }
    }
}
