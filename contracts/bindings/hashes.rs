//! The words and hashes that contracts and programs both compute.
//!
//! What: packed terms of a grant, ids of bounties, leaves of record pointers and census shards, the shard that a block earns, items
//! of the second party. Why here: each is one line of Solidity that a gatekeeper, a miner or a verifier repeats without a node.
//! What not: no Merkle tree; proofs are those of `MerkleProof.sol` (sorted pairs, Keccak-256).

use alloy_primitives::{Address, B256, FixedBytes, keccak256};
use alloy_sol_types::{SolType, SolValue, sol_data};

use crate::Relationships::{DataPointer, Update};

/// A grant in one word: 24 bytes of document commitment, start and expiry in Unix seconds. Start zero means at once.
pub fn terms(document: FixedBytes<24>, start: u32, expiry: u32) -> B256 {
    let mut word = B256::ZERO;
    word[..24].copy_from_slice(document.as_slice());
    word[24..28].copy_from_slice(&start.to_be_bytes());
    word[28..].copy_from_slice(&expiry.to_be_bytes());
    word
}

/// What a second party agrees to when it agrees to a release to research: `Consents.researchItem`.
pub fn research_item(
    purpose: B256,
    scope_commitment: B256,
    start: u32,
    expiry: u32,
    yearly_cap_nano_rho: u64,
) -> B256 {
    type Item = (
        sol_data::FixedBytes<32>,
        sol_data::FixedBytes<32>,
        sol_data::Uint<32>,
        sol_data::Uint<32>,
        sol_data::Uint<64>,
    );
    keccak256(Item::abi_encode(&(purpose, scope_commitment, start, expiry, yearly_cap_nano_rho)))
}

/// What a second party agrees to when it agrees to the appointment of a guardian: `Consents.appointmentItem`.
pub fn appointment_item(guardian: Address, powers: u8, start: u32, expiry: u32) -> B256 {
    type Item = (sol_data::Address, sol_data::Uint<8>, sol_data::Uint<32>, sol_data::Uint<32>);
    keccak256(Item::abi_encode(&(guardian, powers, start, expiry)))
}

/// The id of the bounty that an update was posted with.
pub fn bounty_id(update: &Update) -> B256 {
    keccak256(update.abi_encode())
}

/// The Merkle leaf of a data pointer: hashed twice, so that no inner node can pass for one.
pub fn pointer_leaf(pointer: &DataPointer) -> B256 {
    keccak256(keccak256(pointer.abi_encode()))
}

/// The Merkle leaf of a census shard: hashed twice.
pub fn shard_leaf(provider: Address, epoch: u64, index: u32, shard_hash: B256) -> B256 {
    type Leaf = (sol_data::Address, sol_data::Uint<64>, sol_data::Uint<32>, sol_data::FixedBytes<32>);
    keccak256(keccak256(Leaf::abi_encode(&(provider, epoch, index, shard_hash))))
}

/// The shard of a release that the block with this hash earns: its draw modulo the number of shards. `None` without shards.
pub fn shard_index(block_hash: B256, provider: Address, epoch: u64, root: B256, shards: u32) -> Option<u32> {
    type Draw = (sol_data::FixedBytes<32>, sol_data::Address, sol_data::Uint<64>, sol_data::FixedBytes<32>);
    let draw = keccak256(Draw::abi_encode(&(block_hash, provider, epoch, root)));
    let modulus = u64::from(shards);
    // Horner's rule over the digits of base 2^32: the remainder of a 256-bit number without big integers.
    let remainder = draw.chunks_exact(4).try_fold(0_u64, |high, digit| {
        let digit = digit.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        (high << 32 | digit).checked_rem(modulus)
    })?;
    u32::try_from(remainder).ok()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use alloy_primitives::U256;
    use serde_json::Value;

    use super::*;

    fn word(vectors: &Value, name: &str) -> B256 {
        vectors[name].as_str().unwrap().parse().unwrap()
    }

    #[test]
    fn hashes_equal_those_that_the_contracts_computed() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/eip712.json");
        let vectors: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let provider: Address = vectors["provider"].as_str().unwrap().parse().unwrap();
        let patient: Address = vectors["patient"].as_str().unwrap().parse().unwrap();
        let (root, query) = (B256::repeat_byte(0x55), B256::repeat_byte(0x66));
        let document = FixedBytes::<24>::repeat_byte(0x11);
        assert_eq!(terms(document, 1_800_000_000, 1_900_000_000), word(&vectors, "terms"));
        let update =
            Update { provider, patient, recordsRoot: root, queryHash: query, costNanoRho: 1_000_000 };
        assert_eq!(bounty_id(&update), word(&vectors, "bountyId"));
        let pointer = DataPointer { patient, queryHash: query, commitment: root };
        assert_eq!(pointer_leaf(&pointer), word(&vectors, "pointerLeaf"));
        assert_eq!(shard_leaf(provider, 7, 3, query), word(&vectors, "shardLeaf"));
        let shard = shard_index(query, provider, 7, root, 999_983);
        assert_eq!(u64::from(shard.unwrap()), vectors["shardIndex"].as_u64().unwrap());
        assert_eq!(shard_index(query, provider, 7, root, 0), None);
    }

    #[test]
    fn items_of_a_second_party_are_hashes_of_whole_words() {
        let number = |value: u64| B256::from(U256::from(value));
        let (purpose, scope) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let words = [purpose, scope, number(3), number(4), number(5)].concat();
        assert_eq!(research_item(purpose, scope, 3, 4, 5), keccak256(words));
        let guardian = Address::repeat_byte(6);
        let words = [guardian.into_word(), number(7), number(8), number(9)].concat();
        assert_eq!(appointment_item(guardian, 7, 8, 9), keccak256(words));
    }
}
