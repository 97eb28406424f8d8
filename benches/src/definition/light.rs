//! Light Ethash hashing: what a verifier does for each header, from the light cache alone.
//!
//! One unit is one hash. Verifiers with one header at hand hash one nonce (`light-hash`); those that catch
//! up with a chain hash many (`light-hash-batch`).

use std::hint::black_box;
use std::time::{Duration, Instant};

use medrec_kernels::ethash::{Hashimoto, LightCache, reference};
use medrec_kernels::keccak::Digest256;

use super::ethash::{GOLDEN_HASH, GOLDEN_HEADER, GOLDEN_NONCE, is_golden};
use super::expect_answer;
use crate::error::BenchError;
use crate::harness::{Contender, Identity, Origin, Sample, on_threads};
use crate::statistics::as_f64;

/// Hashes asked for at a time when many are.
const BATCH: u64 = 64;
/// Hashes that the check compares with the reference: more than one batch of lanes, with a tail.
const CHECKED: u64 = 11;

/// Light hashes a second of one thread on this machine: for chains whose difficulty has to suit it.
pub fn thread_hashrate_hps(cache: &LightCache, measured: Duration) -> f64 {
    let inputs: Vec<_> = (0..BATCH).map(|nonce| (GOLDEN_HEADER, nonce)).collect();
    let (started, mut hashes) = (Instant::now(), 0_u64);
    while started.elapsed() < measured {
        black_box(cache.hashimoto_batch(&inputs));
        hashes += BATCH;
    }
    as_f64(hashes) / started.elapsed().as_secs_f64()
}

/// Whoever can hash from a light cache.
pub trait LightHasher: Sync {
    /// Its name in tables.
    fn name(&self) -> String;

    /// Whose it is.
    fn origin(&self) -> Origin;

    /// `light-hash` for one hash at a time, `light-hash-batch` for many.
    fn measure(&self) -> &'static str;

    /// The hashes of these headers and nonces.
    fn hash(&self, inputs: &[(Digest256, u64)]) -> Vec<Hashimoto>;
}

/// Our light cache, with the instruction set that it was given.
#[derive(Debug, Clone, Copy)]
pub struct CacheHasher<'c> {
    /// The cache.
    pub cache: &'c LightCache,
    /// Whether it may hash many at a time.
    pub is_batch: bool,
}

impl LightHasher for CacheHasher<'_> {
    fn name(&self) -> String {
        self.cache.isa().name().to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Medrec
    }

    fn measure(&self) -> &'static str {
        if self.is_batch { "light-hash-batch" } else { "light-hash" }
    }

    fn hash(&self, inputs: &[(Digest256, u64)]) -> Vec<Hashimoto> {
        if self.is_batch {
            return self.cache.hashimoto_batch(inputs);
        }
        inputs.iter().map(|(header, nonce)| self.cache.hashimoto(header, *nonce)).collect()
    }
}

/// A light hasher at work on `threads` threads.
pub struct LightHashing<'h> {
    /// Who hashes.
    pub hasher: &'h dyn LightHasher,
    /// The cache that answers are checked with.
    pub cache: &'h LightCache,
    /// Threads, each with its own nonces.
    pub threads: usize,
}

impl LightHashing<'_> {
    fn hash_until(&self, thread: usize, deadline: Instant) -> u64 {
        let step = if self.hasher.measure() == "light-hash" { 1 } else { BATCH };
        let first = (thread as u64) << 40;
        let mut hashes = 0;
        loop {
            let nonces = first + hashes..first + hashes + step;
            let inputs: Vec<_> = nonces.map(|nonce| (GOLDEN_HEADER, nonce)).collect();
            black_box(self.hasher.hash(&inputs));
            hashes += step;
            if Instant::now() >= deadline {
                return hashes;
            }
        }
    }
}

impl Contender for LightHashing<'_> {
    fn identity(&self) -> Identity {
        Identity {
            engine: self.hasher.name(),
            origin: self.hasher.origin(),
            measure: self.hasher.measure().to_owned(),
            unit: "hash".to_owned(),
            threads: self.threads,
            pages: None,
        }
    }

    fn check(&mut self) -> Result<String, BenchError> {
        let nonces = GOLDEN_NONCE..GOLDEN_NONCE + CHECKED;
        let inputs: Vec<_> = nonces.map(|nonce| (GOLDEN_HEADER, nonce)).collect();
        let answers = self.hasher.hash(&inputs);
        let parameters = self.cache.parameters();
        for ((header, nonce), actual) in inputs.iter().zip(&answers) {
            let expected = reference::hashimoto_light(parameters, self.cache.rows(), header, *nonce);
            self.compare(*nonce, &expected, actual)?;
        }
        let mut said = format!("{CHECKED} hashes against the reference over the same light cache");
        if is_golden(parameters)
            && let Some(actual) = answers.first()
        {
            self.compare(GOLDEN_NONCE, &GOLDEN_HASH, actual)?;
            said.push_str("; golden vector of epoch 0");
        }
        Ok(said)
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        on_threads(self.threads, seconds, |thread, deadline| Ok(self.hash_until(thread, deadline)))
    }
}

impl LightHashing<'_> {
    fn compare(&self, nonce: u64, expected: &Hashimoto, actual: &Hashimoto) -> Result<(), BenchError> {
        let (name, case) = (self.hasher.name(), format!("light hash of nonce {nonce:#018x}"));
        expect_answer(&name, &case, &expected.mix_hash, &actual.mix_hash)?;
        expect_answer(&name, &case, &expected.result, &actual.result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::dag::light_cache;
    use medrec_kernels::ethash::Parameters;
    use medrec_kernels::isa::Isa;

    #[test]
    fn single_and_batched_hashes_are_checked_with_every_instruction_set() {
        for isa in Isa::available() {
            let cache = light_cache(&Parameters::reduced([9; 32], 1_021, 8_198)).unwrap();
            let cache = cache.with_isa(isa).unwrap();
            for is_batch in [false, true] {
                let hasher = CacheHasher { cache: &cache, is_batch };
                let mut hashing = LightHashing { hasher: &hasher, cache: &cache, threads: 2 };
                hashing.check().unwrap();
                assert!(hashing.sample(0.01).unwrap().work >= 2);
            }
        }
    }

    #[test]
    fn a_wrong_light_hash_is_caught() {
        struct Wrong;
        impl LightHasher for Wrong {
            fn name(&self) -> String {
                "wrong".to_owned()
            }
            fn origin(&self) -> Origin {
                Origin::Peer
            }
            fn measure(&self) -> &'static str {
                "light-hash"
            }
            fn hash(&self, inputs: &[(Digest256, u64)]) -> Vec<Hashimoto> {
                vec![GOLDEN_HASH; inputs.len()]
            }
        }
        let cache = light_cache(&Parameters::reduced([9; 32], 1_021, 8_198)).unwrap();
        let error = LightHashing { hasher: &Wrong, cache: &cache, threads: 1 }.check().unwrap_err();
        assert!(matches!(error, BenchError::WrongAnswer { .. }), "{error}");
    }
}
