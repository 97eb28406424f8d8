//! The same 20 and 32 bytes in the words of documents (domain) and in those of the chain (alloy).
//!
//! Why here: documents know no Ethereum crate, contracts know no documents, and whoever speaks to a gatekeeper needs
//! both. What not: no other conversion; numbers and texts have one form already.

use alloy_primitives::{Address as ChainAddress, B256, FixedBytes, keccak256};
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

/// What the chain calls the purpose of a document whose scope is for research.
pub fn research_purpose() -> B256 {
    keccak256("research-aggregate")
}

/// A group as consent documents name it: its address on chain as a 32-byte word.
pub fn group_id(group: ChainAddress) -> Digest {
    Digest(group.into_word().0)
}

/// A group's address on chain; `None` for an id that is no address.
pub fn group_address(id: &Digest) -> Option<ChainAddress> {
    let (zeros, address) = id.0.split_at(12);
    zeros.iter().all(|&byte| byte == 0).then(|| ChainAddress::from_slice(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_groups_id_and_its_address_are_each_others() {
        let group = ChainAddress::repeat_byte(7);
        assert_eq!(group_address(&group_id(group)), Some(group));
        assert_eq!(group_address(&Digest([7; 32])), None);
    }
}
