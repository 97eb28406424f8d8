//! Identifiers of participants, blocks, epochs, bounties and persons.
//!
//! Each is its own type, so that the number of an epoch cannot be passed where the id of a bounty is
//! meant. None of them names a human being: a patient appears as a delegate address on chain and as
//! a keyed pseudonym in the tables.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::{Digest, keccak256, parse_hexadecimal, write_hexadecimal};
use crate::error::DomainError;

/// A 20-byte account address. Written with the EIP-55 checksum for people and in lower case in
/// canonical documents; read in lower case, upper case or with a correct checksum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// The address in mixed case, as EIP-55 describes it.
    pub fn checksummed(&self) -> String {
        let lower = format!("{self:?}")[2..].to_owned();
        let hash = keccak256(lower.as_bytes());
        let mixed = lower.char_indices().map(|(index, digit)| {
            let nibble = hash.0[index / 2] >> (4 * (1 - index % 2)) & 0xf;
            if nibble >= 8 { digit.to_ascii_uppercase() } else { digit }
        });
        std::iter::once("0x".to_owned()).chain(mixed.map(String::from)).collect()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.checksummed())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hexadecimal(out, &self.0)
    }
}

impl FromStr for Address {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        let address = Self(parse_hexadecimal("address", text)?);
        let digits = &text[2..];
        let mixed = digits.bytes().any(|byte| byte.is_ascii_lowercase())
            && digits.bytes().any(|byte| byte.is_ascii_uppercase());
        if mixed && address.checksummed() != text {
            return Err(DomainError::text("address", text, "has a wrong EIP-55 checksum"));
        }
        Ok(address)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:?}"))
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A number that names one thing of one kind.
macro_rules! numbers {
    ($($(#[$documentation:meta])* $name:ident;)*) => {$(
        $(#[$documentation])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    )*};
}

numbers! {
    /// The EIP-155 number of a chain.
    ChainId;
    /// The number of a block, counted from the genesis block, which is 0.
    BlockNumber;
    /// The number of a census epoch, counted from 0.
    EpochNumber;
}

/// A person in the canonical tables: a keyed pseudonym of the source's id.
///
/// It is not an integer to compute with, and it is as secret as the key that made it: it appears in
/// no release, no manifest and no message. For that reason it does not serialise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub u64);

/// A block by number and hash, so that a re-organisation is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockReference {
    /// Which chain.
    pub chain_id: ChainId,
    /// Which height.
    pub number: BlockNumber,
    /// Which of the blocks that ever stood at that height.
    pub hash: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_carry_the_checksums_of_eip_55() {
        // The four mixed-case examples of EIP-55.
        for text in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(text.to_lowercase().parse::<Address>().unwrap(), address);
        }
        let wrong = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed";
        assert!(wrong.parse::<Address>().unwrap_err().to_string().contains("checksum"));
    }
}
