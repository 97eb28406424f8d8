//! Ethash written as its specification states it, one step at a time. Never optimised: the engines
//! are tested against it, and it is tested against published vectors.
//!
//! Source: the Ethash specification, "Cache Generation", "Data aggregation function", "Full dataset
//! calculation" and "Main Loop"; Appendix J of the yellow paper.

use super::parameters::{ACCESSES, CACHE_ROUNDS, DATASET_PARENTS, FNV_PRIME, Parameters};
use super::{Hashimoto, Row};
use crate::keccak::reference::{keccak256, keccak512};
use crate::keccak::{Digest256, Digest512};

/// The 32-bit FNV-like mixing function: `(a * prime) ^ b`, in that order.
pub const fn fnv(a: u32, b: u32) -> u32 {
    a.wrapping_mul(FNV_PRIME) ^ b
}

/// The words of a 512-bit digest.
pub fn words_of(digest: &Digest512) -> Row {
    let mut row = Row::default();
    for (word, bytes) in row.iter_mut().zip(digest.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    row
}

/// The bytes of a row, in digest order.
pub fn bytes_of(row: &Row) -> Digest512 {
    let mut digest = [0; 64];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(row) {
        *bytes = word.to_le_bytes();
    }
    digest
}

/// The light cache: a Keccak-512 chain from the seed hash, then three rounds of RandMemoHash.
pub fn light_cache(parameters: &Parameters) -> Vec<Row> {
    let rows = parameters.cache_rows as usize;
    let mut digest = keccak512(&parameters.seed_hash);
    let mut cache = vec![words_of(&digest)];
    while cache.len() < rows {
        digest = keccak512(&digest);
        cache.push(words_of(&digest));
    }
    for _ in 0..CACHE_ROUNDS {
        for i in 0..rows {
            let other = cache[cache[i][0] as usize % rows];
            let mut row = cache[(i + rows - 1) % rows];
            for (word, other) in row.iter_mut().zip(other) {
                *word ^= other;
            }
            cache[i] = words_of(&keccak512(&bytes_of(&row)));
        }
    }
    cache
}

/// Item `index` of the dataset, from the light cache.
pub fn dataset_item(cache: &[Row], index: u32) -> Row {
    let mut mix = cache[index as usize % cache.len()];
    mix[0] ^= index;
    mix = words_of(&keccak512(&bytes_of(&mix)));
    for parent in 0..DATASET_PARENTS {
        let word = mix[parent as usize % 16];
        let row = cache[fnv(index ^ parent, word) as usize % cache.len()];
        for (word, parent_word) in mix.iter_mut().zip(row) {
            *word = fnv(*word, parent_word);
        }
    }
    words_of(&keccak512(&bytes_of(&mix)))
}

/// Hashimoto over any source of dataset items: `item(i)` is the dataset's item `i` below
/// `dataset_items`.
pub fn hashimoto(
    header: &Digest256,
    nonce: u64,
    dataset_items: u32,
    mut item: impl FnMut(u32) -> Row,
) -> Hashimoto {
    let mut input = [0; 40];
    input[..32].copy_from_slice(header);
    input[32..].copy_from_slice(&nonce.to_le_bytes());
    let seed = keccak512(&input);
    let seed_words = words_of(&seed);

    let mut mix = [0_u32; 32];
    mix[..16].copy_from_slice(&seed_words);
    mix[16..].copy_from_slice(&seed_words);
    for access in 0..ACCESSES {
        let word = mix[access as usize % 32];
        let page = fnv(access ^ seed_words[0], word) % (dataset_items / 2);
        let (first, second) = (item(2 * page), item(2 * page + 1));
        for (word, page_word) in mix.iter_mut().zip(first.into_iter().chain(second)) {
            *word = fnv(*word, page_word);
        }
    }

    let mut mix_hash = [0; 32];
    for (bytes, quad) in mix_hash.as_chunks_mut::<4>().0.iter_mut().zip(mix.as_chunks::<4>().0) {
        *bytes = fnv(fnv(fnv(quad[0], quad[1]), quad[2]), quad[3]).to_le_bytes();
    }
    let mut last = [0; 96];
    last[..64].copy_from_slice(&seed);
    last[64..].copy_from_slice(&mix_hash);
    Hashimoto { mix_hash, result: keccak256(&last) }
}

/// Hashimoto with items computed from the light cache, one by one.
pub fn hashimoto_light(parameters: &Parameters, cache: &[Row], header: &Digest256, nonce: u64) -> Hashimoto {
    hashimoto(header, nonce, parameters.dataset_items, |index| dataset_item(cache, index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ethash::Schedule;

    fn digest(hex: &str) -> Digest256 {
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap();
        }
        bytes
    }

    #[test]
    fn epoch_0_vector_of_an_independent_implementation() {
        // Computed with the PyPI package `ethash` 1.1.0 (chfast's C++), confirmed by npm's
        // `@ethereumjs/ethash` 10.
        let parameters = Parameters::of_epoch(Schedule::Ethash, 0).unwrap();
        let cache = light_cache(&parameters);
        let header = digest("2a8de2adf89af77358250bf908bf04ba94a6e8c3ba87775564a41d269a05e4ce");
        let hash = hashimoto_light(&parameters, &cache, &header, 0x4242_4242_4242_4242);
        assert_eq!(hash.mix_hash, digest("58f759ede17a706c93f13030328bcea40c1d1341fb26f2facd21ceb0dae57017"));
        assert_eq!(hash.result, digest("dd47fd2d98db51078356852d7c4014e6a5d6c387c35f40e2875b74a256ed7906"));
    }
}
