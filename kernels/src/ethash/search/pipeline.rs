//! The search loop, once, over any `Vectors` (the instruction sets are its thin siblings).
//!
//! ```text
//! batch b of 8 nonces:   seed = keccak512(header, nonce)      24 rounds, 8 states at a time
//!                        mix  = seed, seed
//!                        64 times: page = fnv(i ^ seed[0], mix[i % 32]) % pages
//!                                  mix = fnv(mix, dataset[page])
//!                        result = keccak256(seed, compress(mix))   24 rounds
//! ```
//!
//! 1. *Eight chains in flight.* A hash is 64 dependent reads of 128 bytes; eight independent hashes
//!    keep the line-fill buffers of one core busy. Each chain asks for its next page (both of its
//!    lines) as soon as it knows it, and comes back to it seven chains later.
//! 2. *Mixes stay in registers* (16 of 32 with AVX-512): no store stands between the reads. Keeping
//!    them in memory instead halved the rate on Cascade Lake (210 against 500 kH/s a thread), since a
//!    load must wait for older stores whose low 12 address bits equal its own.
//! 3. *Keccak hides behind the reads.* The seeds of batch b + 1 and the results of batch b - 1 are
//!    computed in eight slices of 6 rounds, each right after eight reads were asked for: a slice
//!    (about 115 ns with AVX-512) takes less time than those reads.
//! 4. *No gap between batches.* A chain that has taken its last page starts on its next nonce, and
//!    asks for the first page of that, before the next chain is looked at.
//! 5. The remainder by the number of pages is two multiplications, and the result is compared by its
//!    first 64 bits; only what passes is compared whole.

use super::chains::{Advance, Chains};
use super::hashing::{Batch, keccak_slice, result_states, seed_states, store_results, store_seeds};
use super::job::{IN_FLIGHT, SearchJob, SearchOutcome, Solution};
use crate::ethash::parameters::ACCESSES;
use crate::ethash::vectors::scalar::Scalar;
#[cfg(target_arch = "x86_64")]
use crate::ethash::vectors::{avx2::Avx2, avx512::Avx512};
use crate::ethash::{Hashimoto, Page};
use crate::keccak::lanes::Lanes;
use std::sync::atomic::{AtomicBool, Ordering};

/// # Safety
/// `pages` must be aligned to 64 bytes.
pub(super) unsafe fn scalar(pages: &[Page], job: &SearchJob<'_>, stop: &AtomicBool) -> SearchOutcome {
    // SAFETY: the caller's promise is passed on.
    unsafe { search::<Scalar, 8>(pages, job, stop) }
}

/// # Safety
/// The processor must have AVX2, and `pages` must be aligned to 64 bytes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn avx2(pages: &[Page], job: &SearchJob<'_>, stop: &AtomicBool) -> SearchOutcome {
    // SAFETY: the caller's promise is passed on.
    unsafe { search::<Avx2, 2>(pages, job, stop) }
}

/// # Safety
/// The processor must have AVX-512 F, BW, DQ and VL, and `pages` must be aligned to 64 bytes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn avx512(pages: &[Page], job: &SearchJob<'_>, stop: &AtomicBool) -> SearchOutcome {
    // SAFETY: the caller's promise is passed on.
    unsafe { search::<Avx512, 1>(pages, job, stop) }
}

/// # Safety
/// The processor must have the instructions of `V`, and `pages` must be aligned to 64 bytes.
#[inline(always)]
unsafe fn search<V: Advance, const GROUPS: usize>(
    pages: &[Page],
    job: &SearchJob<'_>,
    stop: &AtomicBool,
) -> SearchOutcome {
    const { assert!(GROUPS * V::Lanes::COUNT == IN_FLIGHT) }
    let mut outcome = SearchOutcome::default();
    let batches = job.count.div_ceil(IN_FLIGHT as u64);
    if batches == 0 {
        return outcome;
    }
    let mut batch = [Batch::EMPTY; 2];
    let mut next = Batch::EMPTY;
    // SAFETY: the caller promises the instructions and the alignment; every page read is a remainder
    // below the number of pages.
    unsafe {
        let mut states = seed_states::<V, GROUPS>(job.header, job.first_nonce);
        keccak_slice::<V, GROUPS, 0, 24>(&mut states);
        store_seeds::<V, GROUPS>(&states, &mut next.seeds);
        next.first_nonce = job.first_nonce;
        let mut chains = Chains::<V>::new(pages);
        for k in 0..IN_FLIGHT {
            chains.start(k, &next.seeds[k]);
        }
        for done in 0..batches {
            let [current, last] = &mut batch;
            (*last, *current) = (*current, next);
            next.first_nonce = current.first_nonce.wrapping_add(IN_FLIGHT as u64);

            V::advance_low(&mut chains, 1, 8);
            let mut states = result_states::<V, GROUPS>(last);
            keccak_slice::<V, GROUPS, 0, 6>(&mut states);
            V::advance_low(&mut chains, 8, 16);
            keccak_slice::<V, GROUPS, 6, 12>(&mut states);
            V::advance_high(&mut chains, 16, 24);
            keccak_slice::<V, GROUPS, 12, 18>(&mut states);
            V::advance_high(&mut chains, 24, 32);
            keccak_slice::<V, GROUPS, 18, 24>(&mut states);
            store_results::<V, GROUPS>(&states, last);
            V::advance_low(&mut chains, 32, 40);
            let mut states = seed_states::<V, GROUPS>(job.header, next.first_nonce);
            keccak_slice::<V, GROUPS, 0, 6>(&mut states);
            V::advance_low(&mut chains, 40, 48);
            keccak_slice::<V, GROUPS, 6, 12>(&mut states);
            V::advance_high(&mut chains, 48, 56);
            keccak_slice::<V, GROUPS, 12, 18>(&mut states);
            V::advance_high(&mut chains, 56, ACCESSES);
            keccak_slice::<V, GROUPS, 18, 24>(&mut states);
            store_seeds::<V, GROUPS>(&states, &mut next.seeds);
            for k in 0..IN_FLIGHT {
                current.mix_hashes[k] = chains.finish(k);
                chains.start(k, &next.seeds[k]);
            }

            if done > 0 {
                collect(last, job, &mut outcome);
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
        let [current, _] = &mut batch;
        let mut states = result_states::<V, GROUPS>(current);
        keccak_slice::<V, GROUPS, 0, 24>(&mut states);
        store_results::<V, GROUPS>(&states, current);
        collect(current, job, &mut outcome);
    }
    outcome
}

/// Counts the nonces of a finished batch that belong to the job, and keeps its solutions.
#[inline(always)]
fn collect(batch: &Batch, job: &SearchJob<'_>, outcome: &mut SearchOutcome) {
    let wanted = (job.count - outcome.hashes).min(IN_FLIGHT as u64);
    outcome.hashes += wanted;
    let leading_word = job.boundary.leading_word();
    for (k, result) in (0..wanted).zip(&batch.results) {
        if result[0].swap_bytes() <= leading_word {
            keep(batch, k, result, job, outcome);
        }
    }
}

/// Compares a result whole, and keeps it if it meets the boundary.
#[cold]
fn keep(batch: &Batch, k: u64, result: &[u64; 4], job: &SearchJob<'_>, outcome: &mut SearchOutcome) {
    let mut hash = Hashimoto { mix_hash: [0; 32], result: [0; 32] };
    for (bytes, word) in hash.result.as_chunks_mut::<8>().0.iter_mut().zip(result) {
        *bytes = word.to_le_bytes();
    }
    let mix_hash = &batch.mix_hashes[usize::try_from(k).unwrap_or_default()];
    for (bytes, word) in hash.mix_hash.as_chunks_mut::<4>().0.iter_mut().zip(mix_hash) {
        *bytes = word.to_le_bytes();
    }
    if job.boundary.is_met_by(&hash.result) {
        outcome.solutions.push(Solution { nonce: batch.first_nonce.wrapping_add(k), hash });
    }
}
