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
//!    computed in eight slices of 6 rounds, each right after eight reads were asked for: a slice
//!    (about 115 ns with AVX-512) takes less time than those reads.
//! 4. *No gap between batches.* A chain that has taken its last page starts on its next nonce, and
//!    asks for the first page of that, before the next chain is looked at.
//! 5. The remainder by the number of pages is two multiplications, and the result is compared by its
//!    first 64 bits; only what passes is compared whole.

use super::{SearchJob, SearchOutcome, Solution};
use crate::ethash::parameters::ACCESSES;
use crate::ethash::vectors::scalar::Scalar;
use crate::ethash::vectors::{MixRow, Modulo, Vectors, fnv, prefetch_page_once};
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

/// The accesses of [`Chains::advance`] as functions of their own.
///
/// Inlined into the search, the mixes of some segments lost their registers to the states of Keccak
/// and went through memory: 360 instead of 500 kH/s a thread.
trait Advance: Vectors + Sized {
    /// Accesses whose words stand in the low half of the mix.
    unsafe fn advance_low(chains: &mut Chains<Self>, first: u32, end: u32);
    /// Accesses whose words stand in the high half of the mix.
    unsafe fn advance_high(chains: &mut Chains<Self>, first: u32, end: u32);
}

macro_rules! advance {
    ($vectors:ty $(, $features:literal)?) => {
        impl Advance for $vectors {
            #[inline(always)]
            unsafe fn advance_low(chains: &mut Chains<Self>, first: u32, end: u32) {
                #[inline(never)]
                $(#[target_feature(enable = $features)])?
                unsafe fn advance(chains: &mut Chains<$vectors>, first: u32, end: u32) {
                    // SAFETY: the caller promises the instructions.
                    unsafe { chains.advance::<false>(first, end) }
                }
                // SAFETY: the caller promises the instructions.
                unsafe { advance(chains, first, end) }
            }

            #[inline(always)]
            unsafe fn advance_high(chains: &mut Chains<Self>, first: u32, end: u32) {
                #[inline(never)]
                $(#[target_feature(enable = $features)])?
                unsafe fn advance(chains: &mut Chains<$vectors>, first: u32, end: u32) {
                    // SAFETY: the caller promises the instructions.
                    unsafe { chains.advance::<true>(first, end) }
                }
                // SAFETY: the caller promises the instructions.
                unsafe { advance(chains, first, end) }
            }
        }
    };
}

advance!(Scalar);
#[cfg(target_arch = "x86_64")]
advance!(Avx2, "avx2");
#[cfg(target_arch = "x86_64")]
advance!(Avx512, "avx512f,avx512bw,avx512dq,avx512vl");

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
        self.page[k] = self.locate(seed[0], 0, seed[0]);
    }

    /// Finds the page of access `access` from the mix's word for it, and prefetches it.
    #[inline(always)]
    fn locate(&self, seed_word: u32, access: u32, word: u32) -> *const Row {
        let index = self.modulo.reduce(fnv(access ^ seed_word, word));
        let page = self.pages.wrapping_add(index as usize).cast::<Row>();
        prefetch_page_once(page);
        page
    }

    /// Takes the pages of all chains and asks for those of accesses `first` to `end` (exclusive),
    /// whose words all stand in the low or all in the high half of the mix.
    ///
    /// The chains are copied to locals and back, or the compiler would write each step's mixes to
    /// memory as well.
    #[inline(always)]
    unsafe fn advance<const HIGH: bool>(&mut self, first: u32, end: u32) {
        let (mut low, mut high, mut page, seed_word) = (self.low, self.high, self.page, self.seed_word);
        for access in first..end {
            for k in 0..IN_FLIGHT {
                // SAFETY: the caller promises the instructions; a page holds two aligned rows.
                unsafe {
                    low[k] = low[k].fnv(V::Row::load(page[k]));
                    high[k] = high[k].fnv(V::Row::load(page[k].wrapping_add(1)));
                    let half = if HIGH { high[k] } else { low[k] };
                    page[k] = self.locate(seed_word[k], access, half.word(access % 16));
                }
            }
        }
        (self.low, self.high, self.page) = (low, high, page);
    }

    /// Takes the last page of chain `k` and compresses its mix to the mix hash.
    #[inline(always)]
    unsafe fn finish(&mut self, k: usize) -> [u32; 8] {
        // SAFETY: the caller promises the instructions; a page holds two aligned rows.
        unsafe {
            let low = self.low[k].fnv(V::Row::load(self.page[k]));
            let high = self.high[k].fnv(V::Row::load(self.page[k].wrapping_add(1)));
            V::Row::compress(low, high)
        }
    }
}

/// The states of Keccak-512 that have absorbed the header and eight nonces from `first_nonce` on.
#[inline(always)]
unsafe fn seed_states<V: Vectors, const GROUPS: usize>(
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
unsafe fn result_states<V: Vectors, const GROUPS: usize>(batch: &Batch) -> States<V, GROUPS> {
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
unsafe fn keccak_slice<V: Vectors, const GROUPS: usize, const FIRST: usize, const END: usize>(
    states: &mut States<V, GROUPS>,
) {
    for state in states {
        // SAFETY: the caller promises the instructions.
        unsafe { rounds::<V::Lanes, FIRST, END>(state) }
    }
}

/// Takes the seeds out of finished states of Keccak-512.
#[inline(always)]
unsafe fn store_seeds<V: Vectors, const GROUPS: usize>(
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
unsafe fn store_results<V: Vectors, const GROUPS: usize>(states: &States<V, GROUPS>, batch: &mut Batch) {
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
