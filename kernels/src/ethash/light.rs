//! The light cache of an epoch, and hashing with it alone.
//!
//! A light hash computes the 128 dataset items that it reads; that is what a verifier does, and a
//! miner until its dataset is ready. One hash has two items in flight at a time, a batch sixteen.

use super::items::{self, Rows};
use super::parameters::{ACCESSES, CACHE_ROUNDS, Parameters};
use super::vectors::{Aligned, Modulo, fnv};
use super::{Boundary, Hashimoto, Row};
use crate::isa::Isa;
use crate::keccak::reference::RATE_512;
use crate::keccak::sponge::hash_short_group;
use crate::keccak::{self, Digest256};
use crate::memory::{Pages, Table, TableMut};
use crate::progress::Progress;
use std::io;

/// Nonces that one thread hashes side by side in a batch.
const BATCH: usize = 8;

/// Why a light cache or dataset was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The system has no memory for it.
    #[error(
        "no memory for {bytes} bytes of Ethash {what}: {source}\n\nhint: free memory, or use a machine with more"
    )]
    Memory {
        /// "light cache" or "dataset".
        what: &'static str,
        /// Bytes asked for.
        bytes: u64,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody asked for a stop through the progress.
    #[error("stopped before it was finished")]
    Stopped,
}

/// Why a seal is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The result that follows from nonce and mix hash is above the boundary: found without the cache.
    #[error("the result {} is above the boundary {}", crate::hex::prefixed(result), crate::hex::prefixed(boundary.as_bytes()))]
    AboveBoundary {
        /// The result.
        result: Digest256,
        /// The boundary.
        boundary: Boundary,
    },
    /// The mix hash is not the one that the nonce gives.
    #[error(
        "the mix hash is {}, and should be {}",
        crate::hex::prefixed(claimed),
        crate::hex::prefixed(expected)
    )]
    MixHash {
        /// The mix hash in the seal.
        claimed: Digest256,
        /// The mix hash of that nonce.
        expected: Digest256,
    },
}

/// What makes a header's proof of work: to be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// The seal hash of the header: its Keccak-256 without mix and nonce.
    pub header: Digest256,
    /// The nonce.
    pub nonce: u64,
    /// The mix hash.
    pub mix_hash: Digest256,
    /// The boundary of the header's difficulty.
    pub boundary: Boundary,
}

impl Seal {
    /// The result that the header's nonce and claimed mix hash lead to: one Keccak-512 and one
    /// Keccak-256, no cache. A valid seal's result is this one.
    pub fn result(&self) -> Digest256 {
        result_of(&seed_of(&self.header, self.nonce), &self.mix_hash)
    }

    /// Refuses a seal whose claimed mix hash does not even lead below the boundary.
    fn check_result(&self) -> Result<(), SealError> {
        let result = self.result();
        if self.boundary.is_met_by(&result) {
            return Ok(());
        }
        Err(SealError::AboveBoundary { result, boundary: self.boundary })
    }

    fn check_mix_hash(&self, hash: &Hashimoto) -> Result<(), SealError> {
        if hash.mix_hash == self.mix_hash {
            return Ok(());
        }
        Err(SealError::MixHash { claimed: self.mix_hash, expected: hash.mix_hash })
    }
}

/// The light cache of one epoch.
#[derive(Debug)]
pub struct LightCache {
    parameters: Parameters,
    table: Table,
    isa: Isa,
}

impl LightCache {
    /// Builds the light cache: one chain of hashes, on this thread, with nothing to run beside it.
    ///
    /// # Errors
    /// [`BuildError`] when there is no memory, or a stop was asked for.
    pub fn build(parameters: &Parameters, progress: &Progress) -> Result<Self, BuildError> {
        let memory_error =
            |source| BuildError::Memory { what: "light cache", bytes: parameters.cache_bytes(), source };
        let mut table = TableMut::new(parameters.cache_rows as usize, Pages::Huge).map_err(memory_error)?;
        Self::fill(table.rows_mut(), &parameters.seed_hash, progress)?;
        Ok(Self::from_table(parameters, table.seal().map_err(memory_error)?))
    }

    /// Fills `rows` with the light cache that grows from `seed_hash`. `progress` counts hashes.
    pub(crate) fn fill(
        rows: &mut [Row],
        seed_hash: &Digest256,
        progress: &Progress,
    ) -> Result<(), BuildError> {
        fill_cache(rows, seed_hash, progress)
    }

    /// A light cache whose rows are there already.
    pub(crate) fn from_table(parameters: &Parameters, table: Table) -> Self {
        Self { parameters: *parameters, table, isa: Isa::best() }
    }

    /// The same cache, hashed with another instruction set; `None` if the processor lacks it.
    #[must_use]
    pub fn with_isa(self, isa: Isa) -> Option<Self> {
        isa.is_available().then_some(Self { isa, ..self })
    }

    /// What the cache was built for.
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The instruction set that its items are computed with.
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// The rows of 64 bytes.
    pub fn rows(&self) -> &[Row] {
        self.table.rows()
    }

    /// Item `index` of the dataset.
    pub fn item(&self, index: u32) -> Row {
        let mut item = Aligned([[0; 16]]);
        // SAFETY: the instruction set is available: it was checked when it was set.
        unsafe { items::gather(self.isa, Rows::new(self.rows()), [index], &mut item) }
        item.0[0]
    }

    /// Fills `out` with the items from `first` on.
    pub fn fill_items(&self, first: u32, out: &mut [Row]) {
        // SAFETY: the instruction set is available: it was checked when it was set.
        unsafe { items::fill(self.isa, Rows::new(self.rows()), first, out) }
    }

    /// Hashimoto of one header and nonce.
    pub fn hashimoto(&self, header: &Digest256, nonce: u64) -> Hashimoto {
        let [hash] = self.hash_together::<1, 2>([(header, nonce)]);
        hash
    }

    /// Hashimoto of many headers and nonces, on this thread: several times as fast as one by one.
    pub fn hashimoto_batch(&self, inputs: &[(Digest256, u64)]) -> Vec<Hashimoto> {
        let mut hashes = Vec::with_capacity(inputs.len());
        for group in inputs.chunks(BATCH) {
            let filled: [_; BATCH] = std::array::from_fn(|at| {
                let (header, nonce) = &group[at.min(group.len() - 1)];
                (header, *nonce)
            });
            hashes.extend_from_slice(&self.hash_together::<BATCH, { 2 * BATCH }>(filled)[..group.len()]);
        }
        hashes
    }

    /// Verifies a seal: the cheap way first, which refuses a result above the boundary without the
    /// cache.
    ///
    /// # Errors
    /// [`SealError`] says what is wrong with the seal.
    pub fn verify(&self, seal: &Seal) -> Result<(), SealError> {
        seal.check_result()?;
        seal.check_mix_hash(&self.hashimoto(&seal.header, seal.nonce))
    }

    /// Verifies many seals on `threads` threads; the answers come in the seals' order.
    pub fn verify_batch(&self, seals: &[Seal], threads: usize) -> Vec<Result<(), SealError>> {
        let share = seals.len().div_ceil(threads.max(1)).next_multiple_of(BATCH).max(BATCH);
        let mut answers = vec![Ok(()); seals.len()];
        std::thread::scope(|scope| {
            for (seals, answers) in seals.chunks(share).zip(answers.chunks_mut(share)) {
                scope.spawn(move || self.verify_share(seals, answers));
            }
        });
        answers
    }

    fn verify_share(&self, seals: &[Seal], answers: &mut [Result<(), SealError>]) {
        let mut promising = Vec::with_capacity(seals.len());
        for (at, (seal, answer)) in seals.iter().zip(answers.iter_mut()).enumerate() {
            *answer = seal.check_result();
            if answer.is_ok() {
                promising.push(at);
            }
        }
        let inputs: Vec<_> = promising.iter().map(|&at| (seals[at].header, seals[at].nonce)).collect();
        for (at, hash) in promising.into_iter().zip(self.hashimoto_batch(&inputs)) {
            answers[at] = seals[at].check_mix_hash(&hash);
        }
    }

    /// `N` hashes side by side; `ITEMS` is `2 * N`.
    fn hash_together<const N: usize, const ITEMS: usize>(
        &self,
        inputs: [(&Digest256, u64); N],
    ) -> [Hashimoto; N] {
        const { assert!(ITEMS == 2 * N) }
        let rows = Rows::new(self.rows());
        let pages = Modulo::new(self.parameters.dataset_pages());
        let seeds = inputs.map(|(header, nonce)| seed_of(header, nonce));
        let mut mixes = seeds.map(|seed| [super::reference::words_of(&seed); 2]);
        let seed_words = mixes.map(|mix| mix[0][0]);
        let mut block = Aligned([[0; 16]; ITEMS]);
        for access in 0..ACCESSES {
            let mut indices = [0; ITEMS];
            for (n, mix) in mixes.iter().enumerate() {
                let word = mix.as_flattened()[access as usize % 32];
                let page = pages.reduce(fnv(access ^ seed_words[n], word));
                (indices[2 * n], indices[2 * n + 1]) = (2 * page, 2 * page + 1);
            }
            // SAFETY: the instruction set is available: it was checked when it was set.
            unsafe { items::gather(self.isa, rows, indices, &mut block) }
            for (word, item_word) in
                mixes.as_flattened_mut().as_flattened_mut().iter_mut().zip(block.0.as_flattened())
            {
                *word = fnv(*word, *item_word);
            }
        }
        std::array::from_fn(|n| {
            let mix_hash = compress(&mixes[n]);
            Hashimoto { mix_hash, result: result_of(&seeds[n], &mix_hash) }
        })
    }
}

/// The seed of a hash: Keccak-512 of the header and the nonce, little-endian.
pub(crate) fn seed_of(header: &Digest256, nonce: u64) -> keccak::Digest512 {
    let mut input = [0; 40];
    input[..32].copy_from_slice(header);
    input[32..].copy_from_slice(&nonce.to_le_bytes());
    keccak::Engine::best().keccak512(&input)
}

/// The result of a hash: Keccak-256 of the seed and the mix hash.
pub(crate) fn result_of(seed: &keccak::Digest512, mix_hash: &Digest256) -> Digest256 {
    let mut input = [0; 96];
    input[..64].copy_from_slice(seed);
    input[64..].copy_from_slice(mix_hash);
    keccak::Engine::best().keccak256(&input)
}

/// The mix hash of a mix: each four words fold into one.
pub(crate) fn compress(mix: &[Row; 2]) -> Digest256 {
    let mut mix_hash = [0; 32];
    let quads = mix.as_flattened().as_chunks::<4>().0;
    for (bytes, quad) in mix_hash.as_chunks_mut::<4>().0.iter_mut().zip(quads) {
        *bytes = fnv(fnv(fnv(quad[0], quad[1]), quad[2]), quad[3]).to_le_bytes();
    }
    mix_hash
}

/// Hashes between two looks at the stop flag.
const STEP: usize = 4096;

/// The chain of Keccak-512 from the seed hash, then three rounds of RandMemoHash.
fn fill_cache(rows: &mut [Row], seed_hash: &Digest256, progress: &Progress) -> Result<(), BuildError> {
    let count = rows.len();
    progress.start(0, (count * (1 + CACHE_ROUNDS as usize)) as u64);
    let Some(first) = rows.first_mut() else { return Ok(()) };
    *first = super::reference::words_of(&keccak::Engine::best().keccak512(seed_hash));
    let modulo = Modulo::new(u32::try_from(count).unwrap_or(u32::MAX));
    for round in 0..=CACHE_ROUNDS {
        for start in (0..count).step_by(STEP) {
            if progress.is_stopped() {
                return Err(BuildError::Stopped);
            }
            let end = (start + STEP).min(count);
            chain(rows, start, end, (round > 0).then_some(modulo));
            progress.add((end - start) as u64);
        }
    }
    Ok(())
}

/// Rows `start` to `end` of the first chain (`memo` is `None`, row 0 is there already), or of one
/// round of RandMemoHash.
fn chain(rows: &mut [Row], start: usize, end: usize, memo: Option<Modulo>) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2") {
        // SAFETY: the processor has both, as just checked.
        return unsafe { chain_bmi(rows, start, end, memo) };
    }
    chain_over(rows, start, end, memo);
}

/// # Safety
/// The processor must have BMI1 and BMI2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2")]
unsafe fn chain_bmi(rows: &mut [Row], start: usize, end: usize, memo: Option<Modulo>) {
    chain_over(rows, start, end, memo);
}

#[inline(always)]
fn chain_over(rows: &mut [Row], start: usize, end: usize, memo: Option<Modulo>) {
    let count = rows.len();
    let mut previous = rows[if start == 0 { count - 1 } else { start - 1 }];
    for at in start..end {
        match memo {
            None if at == 0 => {
                previous = rows[0];
                continue;
            }
            None => {}
            Some(modulo) => {
                let other = &rows[modulo.reduce(rows[at][0]) as usize];
                for (word, other) in previous.iter_mut().zip(other) {
                    *word ^= other;
                }
            }
        }
        let message = previous;
        // SAFETY: `u64` needs no instruction beyond the target's; both rows have 64 bytes.
        unsafe {
            hash_short_group::<u64, RATE_512, 64, 8>(
                (&raw const message).cast(),
                1,
                (&raw mut previous).cast(),
            );
        }
        rows[at] = previous;
    }
}

#[cfg(test)]
mod tests;
