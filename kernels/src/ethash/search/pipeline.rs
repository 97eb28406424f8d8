//! The search loop, once, over any [`Vectors`].
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
//!    computed in four slices of 12 rounds, each right after eight reads were asked for: the time
//!    of a slice (about 200 ns) is less than the time that those reads take.
//! 4. *No gap between batches.* A chain that has taken its last page starts on its next nonce, and
//!    asks for the first page of that, before the next chain is looked at.
//! 5. The remainder by the number of pages is two multiplications, and the result is compared by its
//!    first 64 bits; only what passes is compared whole.

use super::{SearchJob, SearchOutcome, Solution};
use crate::ethash::parameters::ACCESSES;
use crate::ethash::vectors::scalar::Scalar;
use crate::ethash::vectors::{MixRow, Modulo, Vectors, fnv, prefetch_line};
#[cfg(target_arch = "x86_64")]
use crate::ethash::vectors::{avx2::Avx2, avx512::Avx512};
use crate::ethash::{Page, Row};
use crate::keccak::lanes::Lanes;
use crate::keccak::permutation::rounds;
use crate::keccak::reference::{RATE_256, RATE_512};
use crate::keccak::sponge::pad;
use std::sync::atomic::{AtomicBool, Ordering};

/// Hashes in flight a thread.
pub(super) const IN_FLIGHT: usize = 8;

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

/// What is kept of eight nonces while their reads, and then their results, are under way.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Batch {
    seeds: [Row; IN_FLIGHT],
    mix_hashes: [[u32; 8]; IN_FLIGHT],
    results: [[u64; 4]; IN_FLIGHT],
    first_nonce: u64,
}

impl Batch {
    const EMPTY: Self = Self {
        seeds: [[0; 16]; IN_FLIGHT],
        mix_hashes: [[0; 8]; IN_FLIGHT],
        results: [[0; 4]; IN_FLIGHT],
        first_nonce: 0,
    };
}

/// `GROUPS` times `Lanes::COUNT` is [`IN_FLIGHT`].
type States<V, const GROUPS: usize> = [[<V as Vectors>::Lanes; 25]; GROUPS];

/// # Safety
/// The processor must have the instructions of `V`, and `pages` must be aligned to 64 bytes.
#[inline(always)]
unsafe fn search<V: Vectors, const GROUPS: usize>(
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
        let mut seeds = seed_first_half::<V, GROUPS>(job.header, job.first_nonce);
        seed_second_half::<V, GROUPS>(&mut seeds, &mut next.seeds);
        next.first_nonce = job.first_nonce;
        let mut chains = Chains::<V>::new(pages);
        for k in 0..IN_FLIGHT {
            chains.start(k, &next.seeds[k]);
        }
        for done in 0..batches {
            let [current, last] = &mut batch;
            (*last, *current) = (*current, next);
            next.first_nonce = current.first_nonce.wrapping_add(IN_FLIGHT as u64);

            chains.advance::<false>(1, 16);
            let mut results = result_first_half::<V, GROUPS>(last);
            chains.advance::<true>(16, 32);
            result_second_half::<V, GROUPS>(&mut results, last);
            chains.advance::<false>(32, 48);
            let mut seeds = seed_first_half::<V, GROUPS>(job.header, next.first_nonce);
            chains.advance::<true>(48, ACCESSES);
            seed_second_half::<V, GROUPS>(&mut seeds, &mut next.seeds);
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
        let mut results = result_first_half::<V, GROUPS>(current);
        result_second_half::<V, GROUPS>(&mut results, current);
        collect(current, job, &mut outcome);
    }
    outcome
}

/// Eight hashes under way: their mixes, and the page that each waits for.
struct Chains<V: Vectors> {
    pages: *const Page,
    modulo: Modulo,
    low: [V::Row; IN_FLIGHT],
    high: [V::Row; IN_FLIGHT],
    seed_word: [u32; IN_FLIGHT],
    page: [*const Row; IN_FLIGHT],
}

impl<V: Vectors> Chains<V> {
    /// # Safety
    /// As [`search`].
    #[inline(always)]
    unsafe fn new(pages: &[Page]) -> Self {
        let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        let first = pages.as_ptr();
        // SAFETY: there is at least one page.
        let row = unsafe { V::Row::load(first.cast()) };
        Self {
            pages: first,
            modulo: Modulo::new(count),
            low: [row; IN_FLIGHT],
            high: [row; IN_FLIGHT],
            seed_word: [0; IN_FLIGHT],
            page: [first.cast(); IN_FLIGHT],
        }
    }

    /// Starts chain `k` on a seed.
    #[inline(always)]
    unsafe fn start(&mut self, k: usize, seed: &Row) {
        // SAFETY: the caller promises the instructions; seeds are aligned to 64 bytes.
        unsafe {
            let row = V::Row::load(seed);
            self.low[k] = row;
            self.high[k] = row;
        }
        self.seed_word[k] = seed[0];
        self.ask(k, 0, seed[0]);
    }

    /// Finds the page of access `access` from the mix's word for it, and prefetches it.
    #[inline(always)]
    fn ask(&mut self, k: usize, access: u32, word: u32) {
        let index = self.modulo.reduce(fnv(access ^ self.seed_word[k], word));
        let page = self.pages.wrapping_add(index as usize).cast::<Row>();
        prefetch_line(page);
        prefetch_line(page.wrapping_add(1));
        self.page[k] = page;
    }

    /// Mixes the page that chain `k` waits for into its mix.
    #[inline(always)]
    unsafe fn take(&mut self, k: usize) {
        // SAFETY: the caller promises the instructions; a page holds two aligned rows.
        unsafe {
            self.low[k] = self.low[k].fnv(V::Row::load(self.page[k]));
            self.high[k] = self.high[k].fnv(V::Row::load(self.page[k].wrapping_add(1)));
        }
    }

    /// Takes the pages of all chains and asks for those of accesses `first` to `end` (exclusive),
    /// whose words all stand in the low or all in the high half of the mix.
    #[inline(always)]
    unsafe fn advance<const HIGH: bool>(&mut self, first: u32, end: u32) {
        for access in first..end {
            for k in 0..IN_FLIGHT {
                // SAFETY: the caller promises the instructions.
                unsafe {
                    self.take(k);
                    let half = if HIGH { self.high[k] } else { self.low[k] };
                    self.ask(k, access, half.word(access % 16));
                }
            }
        }
    }

    /// Takes the last page of chain `k` and compresses its mix to the mix hash.
    #[inline(always)]
    unsafe fn finish(&mut self, k: usize) -> [u32; 8] {
        #[repr(C, align(64))]
        struct Mix([Row; 2]);
        let mut mix = Mix([[0; 16]; 2]);
        // SAFETY: the caller promises the instructions; both rows are aligned.
        unsafe {
            self.take(k);
            self.low[k].store(&raw mut mix.0[0]);
            self.high[k].store(&raw mut mix.0[1]);
        }
        let mut words = [0; 8];
        for (word, quad) in words.iter_mut().zip(mix.0.as_flattened().as_chunks::<4>().0) {
            *word = fnv(fnv(fnv(quad[0], quad[1]), quad[2]), quad[3]);
        }
        words
    }
}

/// Rounds 0 to 11 of the Keccak-512 of the header and eight nonces from `first_nonce` on.
#[inline(always)]
unsafe fn seed_first_half<V: Vectors, const GROUPS: usize>(
    header: &[u8; 32],
    first_nonce: u64,
) -> States<V, GROUPS> {
    let mut nonces = [0_u64; IN_FLIGHT];
    for (k, nonce) in (0_u64..).zip(&mut nonces) {
        *nonce = first_nonce.wrapping_add(k);
    }
    // SAFETY: the caller promises the instructions; a group reads as many nonces as it has lanes.
    unsafe {
        let zero = V::Lanes::splat(0);
        let mut states = [[zero; 25]; GROUPS];
        for (group, state) in states.iter_mut().enumerate() {
            for (lane, word) in state.iter_mut().zip(header.as_chunks::<8>().0) {
                *lane = V::Lanes::splat(u64::from_le_bytes(*word));
            }
            let from = nonces.as_ptr().add(group * V::Lanes::COUNT).cast();
            state[4] = V::Lanes::load_rows(from, 8, V::Lanes::COUNT - 1, 1)[0];
            pad::<V::Lanes, RATE_512>(state, 5);
            rounds::<V::Lanes, 0, 12>(state);
        }
        states
    }
}

/// Rounds 12 to 23, and the seeds out of the states.
#[inline(always)]
unsafe fn seed_second_half<V: Vectors, const GROUPS: usize>(
    states: &mut States<V, GROUPS>,
    seeds: &mut [Row; IN_FLIGHT],
) {
    for (group, state) in states.iter_mut().enumerate() {
        // SAFETY: the caller promises the instructions; a group writes as many seeds as it has lanes.
        unsafe {
            rounds::<V::Lanes, 12, 23>(state);
            rounds::<V::Lanes, 23, 24>(state);
            let [a, b, c, d, e, f, g, h, ..] = *state;
            let to = seeds.as_mut_ptr().add(group * V::Lanes::COUNT).cast();
            V::Lanes::store_rows(&[a, b, c, d, e, f, g, h], to, 64, V::Lanes::COUNT - 1, 8);
        }
    }
}

/// Rounds 0 to 11 of the Keccak-256 of each seed and mix hash.
#[inline(always)]
unsafe fn result_first_half<V: Vectors, const GROUPS: usize>(batch: &Batch) -> States<V, GROUPS> {
    // SAFETY: the caller promises the instructions; a group reads as many rows as it has lanes.
    unsafe {
        let zero = V::Lanes::splat(0);
        let mut states = [[zero; 25]; GROUPS];
        for (group, state) in states.iter_mut().enumerate() {
            let first = group * V::Lanes::COUNT;
            let seeds = batch.seeds.as_ptr().add(first).cast();
            let mixes = batch.mix_hashes.as_ptr().add(first).cast();
            let seed = V::Lanes::load_rows(seeds, 64, V::Lanes::COUNT - 1, 8);
            let [a, b, c, d, ..] = V::Lanes::load_rows(mixes, 32, V::Lanes::COUNT - 1, 4);
            state[..8].copy_from_slice(&seed);
            state[8..12].copy_from_slice(&[a, b, c, d]);
            pad::<V::Lanes, RATE_256>(state, 12);
            rounds::<V::Lanes, 0, 12>(state);
        }
        states
    }
}

/// Rounds 12 to 23, and the results out of the states.
#[inline(always)]
unsafe fn result_second_half<V: Vectors, const GROUPS: usize>(
    states: &mut States<V, GROUPS>,
    batch: &mut Batch,
) {
    for (group, state) in states.iter_mut().enumerate() {
        // SAFETY: the caller promises the instructions; a group writes as many results as it has
        // lanes.
        unsafe {
            rounds::<V::Lanes, 12, 23>(state);
            rounds::<V::Lanes, 23, 24>(state);
            let zero = V::Lanes::splat(0);
            let [a, b, c, d, ..] = *state;
            let to = batch.results.as_mut_ptr().add(group * V::Lanes::COUNT).cast();
            V::Lanes::store_rows(&[a, b, c, d, zero, zero, zero, zero], to, 32, V::Lanes::COUNT - 1, 4);
        }
    }
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
    let mut solution =
        Solution { nonce: batch.first_nonce.wrapping_add(k), mix_hash: [0; 32], result: [0; 32] };
    for (bytes, word) in solution.result.as_chunks_mut::<8>().0.iter_mut().zip(result) {
        *bytes = word.to_le_bytes();
    }
    let mix_hash = &batch.mix_hashes[usize::try_from(k).unwrap_or_default()];
    for (bytes, word) in solution.mix_hash.as_chunks_mut::<4>().0.iter_mut().zip(mix_hash) {
        *bytes = word.to_le_bytes();
    }
    if job.boundary.is_met_by(&solution.result) {
        outcome.solutions.push(solution);
    }
}
