//! The two Keccaks of a hash, for eight nonces at a time and in slices of rounds.
//!
//! Knows how seeds and results are made of headers, nonces and mixes; nothing of pages.

use super::job::IN_FLIGHT;
use crate::ethash::Row;
use crate::ethash::vectors::Vectors;
use crate::keccak::lanes::Lanes;
use crate::keccak::permutation::rounds;
use crate::keccak::reference::{RATE_256, RATE_512};
use crate::keccak::sponge::pad;

/// What is kept of eight nonces while their reads, and then their results, are under way.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Batch {
    pub(super) seeds: [Row; IN_FLIGHT],
    pub(super) mix_hashes: [[u32; 8]; IN_FLIGHT],
    pub(super) results: [[u64; 4]; IN_FLIGHT],
    pub(super) first_nonce: u64,
}

impl Batch {
    pub(super) const EMPTY: Self = Self {
        seeds: [[0; 16]; IN_FLIGHT],
        mix_hashes: [[0; 8]; IN_FLIGHT],
        results: [[0; 4]; IN_FLIGHT],
        first_nonce: 0,
    };
}

/// `GROUPS` times `Lanes::COUNT` is [`IN_FLIGHT`].
pub(super) type States<V, const GROUPS: usize> = [[<V as Vectors>::Lanes; 25]; GROUPS];

/// The states of Keccak-512 that have absorbed the header and eight nonces from `first_nonce` on.
#[inline(always)]
pub(super) unsafe fn seed_states<V: Vectors, const GROUPS: usize>(
    header: &[u8; 32],
    first_nonce: u64,
) -> States<V, GROUPS> {
    let mut nonces = [0_u64; IN_FLIGHT];
    for (k, nonce) in (0_u64..).zip(&mut nonces) {
        *nonce = first_nonce.wrapping_add(k);
    }
    // SAFETY: the caller promises the instructions; a group reads as many nonces as it has lanes.
    unsafe {
        let mut states = [[V::Lanes::splat(0); 25]; GROUPS];
        for (group, state) in states.iter_mut().enumerate() {
            for (lane, word) in state.iter_mut().zip(header.as_chunks::<8>().0) {
                *lane = V::Lanes::splat(u64::from_le_bytes(*word));
            }
            let from = nonces.as_ptr().add(group * V::Lanes::COUNT).cast();
            state[4] = V::Lanes::load_rows(from, 8, V::Lanes::COUNT - 1, 1)[0];
            pad::<V::Lanes, RATE_512>(state, 5);
        }
        states
    }
}

/// The states of Keccak-256 that have absorbed each seed and mix hash.
#[inline(always)]
pub(super) unsafe fn result_states<V: Vectors, const GROUPS: usize>(batch: &Batch) -> States<V, GROUPS> {
    // SAFETY: the caller promises the instructions; a group reads as many rows as it has lanes.
    unsafe {
        let mut states = [[V::Lanes::splat(0); 25]; GROUPS];
        for (group, state) in states.iter_mut().enumerate() {
            let first = group * V::Lanes::COUNT;
            let seeds = batch.seeds.as_ptr().add(first).cast();
            let mixes = batch.mix_hashes.as_ptr().add(first).cast();
            let seed = V::Lanes::load_rows(seeds, 64, V::Lanes::COUNT - 1, 8);
            let [a, b, c, d, ..] = V::Lanes::load_rows(mixes, 32, V::Lanes::COUNT - 1, 4);
            state[..8].copy_from_slice(&seed);
            state[8..12].copy_from_slice(&[a, b, c, d]);
            pad::<V::Lanes, RATE_256>(state, 12);
        }
        states
    }
}

/// Rounds `FIRST` to `END` (exclusive) of all states.
#[inline(always)]
pub(super) unsafe fn keccak_slice<V: Vectors, const GROUPS: usize, const FIRST: usize, const END: usize>(
    states: &mut States<V, GROUPS>,
) {
    for state in states {
        // SAFETY: the caller promises the instructions.
        unsafe { rounds::<V::Lanes, FIRST, END>(state) }
    }
}

/// Takes the seeds out of finished states of Keccak-512.
#[inline(always)]
pub(super) unsafe fn store_seeds<V: Vectors, const GROUPS: usize>(
    states: &States<V, GROUPS>,
    seeds: &mut [Row; IN_FLIGHT],
) {
    for (group, state) in states.iter().enumerate() {
        let [a, b, c, d, e, f, g, h, ..] = *state;
        // SAFETY: the caller promises the instructions; a group writes as many seeds as it has lanes.
        unsafe {
            let to = seeds.as_mut_ptr().add(group * V::Lanes::COUNT).cast();
            V::Lanes::store_rows(&[a, b, c, d, e, f, g, h], to, 64, V::Lanes::COUNT - 1, 8);
        }
    }
}

/// Takes the results out of finished states of Keccak-256.
#[inline(always)]
pub(super) unsafe fn store_results<V: Vectors, const GROUPS: usize>(
    states: &States<V, GROUPS>,
    batch: &mut Batch,
) {
    for (group, state) in states.iter().enumerate() {
        let [a, b, c, d, ..] = *state;
        // SAFETY: the caller promises the instructions; a group writes as many results as it has
        // lanes.
        unsafe {
            let to = batch.results.as_mut_ptr().add(group * V::Lanes::COUNT).cast();
            V::Lanes::store_rows(&[a, b, c, d, a, a, a, a], to, 32, V::Lanes::COUNT - 1, 4);
        }
    }
}
