//! The same 20 and 32 bytes in the words of documents (domain) and in those of the chain (alloy).
//!
//! Why here: documents know no Ethereum crate, contracts know no documents, and whoever speaks to a gatekeeper needs
//! both. What not: no other conversion; numbers and texts have one form already.

use alloy_primitives::{Address as ChainAddress, B256, FixedBytes};
use medrec_domain::Digest;
use medrec_domain::identifier::Address;

/// A document's address as the chain's.
pub const fn to_chain(address: Address) -> ChainAddress {
    ChainAddress::new(address.0)
}

/// The chain's address as a document's.
pub const fn from_chain(address: ChainAddress) -> Address {
    Address(address.0.0)
}

/// A digest as the chain's word.
pub const fn to_word(digest: Digest) -> B256 {
    B256::new(digest.0)
}

/// A word of the chain as a digest.
pub const fn from_word(word: B256) -> Digest {
    Digest(word.0)
}

/// The 24 bytes of a document's commitment that fit into a grant's terms.
pub fn commitment_prefix(commitment: &Digest) -> FixedBytes<24> {
    FixedBytes::from_slice(&commitment.0[..24])
}
