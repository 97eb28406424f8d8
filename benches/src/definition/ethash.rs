//! Full Ethash search: hashes per second over a dataset in memory, without a find ending the search.
//!
//! One unit is one hash (one nonce). Finds happen at the rate of a real, low difficulty while the clock
//! runs, and each of them is recomputed by the reference afterwards: a search that is fast and wrong fails
//! the sample. That no nonce is skipped is checked before, over a range around the golden nonce.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use medrec_kernels::ethash::search::{SearchJob, SearchOutcome};
use medrec_kernels::ethash::{Boundary, Dataset, Engine, Hashimoto, Parameters, Solution};
use medrec_kernels::keccak::Digest256;

use super::expect_answer;
use crate::error::BenchError;
use crate::harness::{Contender, Identity, Origin, Sample, thread_cpu_time};

/// The header hash of the golden vector of epoch 0.
pub const GOLDEN_HEADER: Digest256 = [
    0x2a, 0x8d, 0xe2, 0xad, 0xf8, 0x9a, 0xf7, 0x73, 0x58, 0x25, 0x0b, 0xf9, 0x08, 0xbf, 0x04, 0xba, 0x94,
    0xa6, 0xe8, 0xc3, 0xba, 0x87, 0x77, 0x55, 0x64, 0xa4, 0x1d, 0x26, 0x9a, 0x05, 0xe4, 0xce,
];
/// The nonce of the golden vector of epoch 0.
pub const GOLDEN_NONCE: u64 = 0x4242_4242_4242_4242;
/// The mix hash and result of the golden vector, from the Python package `ethash` 1.1.0 and npm `@ethereumjs/ethash`.
pub const GOLDEN_HASH: Hashimoto = Hashimoto {
    mix_hash: [
        0x58, 0xf7, 0x59, 0xed, 0xe1, 0x7a, 0x70, 0x6c, 0x93, 0xf1, 0x30, 0x30, 0x32, 0x8b, 0xce, 0xa4, 0x0c,
        0x1d, 0x13, 0x41, 0xfb, 0x26, 0xf2, 0xfa, 0xcd, 0x21, 0xce, 0xb0, 0xda, 0xe5, 0x70, 0x17,
    ],
    result: [
        0xdd, 0x47, 0xfd, 0x2d, 0x98, 0xdb, 0x51, 0x07, 0x83, 0x56, 0x85, 0x2d, 0x7c, 0x40, 0x14, 0xe6, 0xa5,
        0xd6, 0xc3, 0x87, 0xc3, 0x5f, 0x40, 0xe2, 0x87, 0x5b, 0x74, 0xa2, 0x56, 0xed, 0x79, 0x06,
    ],
};

/// One hash in 2^16 passes while the clock runs: a dozen finds a second on a fast core.
const TIMED_BOUNDARY: Boundary = boundary(2);
/// One hash in 16 passes the check.
const CHECKED_BOUNDARY: Boundary = boundary(0);
/// Nonces that the check searches around the golden one: every tail of the engines' lanes.
const CHECKED_NONCES: u64 = 259;

/// `zero_bytes` zero bytes (or 0x0f for none), then 0xff.
const fn boundary(zero_bytes: usize) -> Boundary {
    let mut boundary = [0xff; 32];
    if zero_bytes == 0 {
        boundary[0] = 0x0f;
    }
    let mut index = 0;
    while index < zero_bytes {
        boundary[index] = 0;
        index += 1;
    }
    Boundary::from_be_bytes(boundary)
}

/// Whoever can search a dataset for nonces.
pub trait Searcher: Sync {
    /// Its name in tables.
    fn name(&self) -> String;

    /// Whose it is.
    fn origin(&self) -> Origin;

    /// Tries the nonces of `job` on the calling thread, or the first of them when `stop` is set.
    ///
    /// # Errors
    /// The searcher's own words when it cannot.
    fn search(&self, job: &SearchJob<'_>, stop: &AtomicBool) -> Result<SearchOutcome, String>;
}

/// One of our engines over a dataset.
#[derive(Debug, Clone, Copy)]
pub struct EngineSearcher<'d> {
    /// Which engine.
    pub engine: Engine,
    /// Over what.
    pub dataset: &'d Dataset,
}

impl Searcher for EngineSearcher<'_> {
    fn name(&self) -> String {
        self.engine.name().to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Medrec
    }

    fn search(&self, job: &SearchJob<'_>, stop: &AtomicBool) -> Result<SearchOutcome, String> {
        Ok(self.engine.search(self.dataset, job, stop))
    }
}

/// The readable reference over the same dataset: the slowest, for scale.
#[derive(Debug, Clone, Copy)]
pub struct ReferenceSearcher<'d> {
    /// Over what.
    pub dataset: &'d Dataset,
}

impl Searcher for ReferenceSearcher<'_> {
    fn name(&self) -> String {
        "reference".to_owned()
    }

    fn origin(&self) -> Origin {
        Origin::Medrec
    }

    fn search(&self, job: &SearchJob<'_>, stop: &AtomicBool) -> Result<SearchOutcome, String> {
        Ok(search_one_by_one(job, stop, |header, nonce| self.dataset.hashimoto(header, nonce)))
    }
}

/// The search of whoever knows single hashes only.
pub fn search_one_by_one(
    job: &SearchJob<'_>,
    stop: &AtomicBool,
    hash: impl Fn(&Digest256, u64) -> Hashimoto,
) -> SearchOutcome {
    let mut outcome = SearchOutcome::default();
    for offset in 0..job.count {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let nonce = job.first_nonce.wrapping_add(offset);
        let hash = hash(job.header, nonce);
        outcome.hashes += 1;
        if job.boundary.is_met_by(&hash.result) {
            outcome.solutions.push(Solution { nonce, hash });
        }
    }
    outcome
}

/// The reference and every engine that runs on this processor, the slowest first.
pub fn searchers(dataset: &Dataset) -> Vec<Box<dyn Searcher + '_>> {
    let mut all: Vec<Box<dyn Searcher + '_>> = vec![Box::new(ReferenceSearcher { dataset })];
    let ours = Engine::all().into_iter().map(|engine| EngineSearcher { engine, dataset });
    all.extend(ours.map(|searcher| Box::new(searcher) as Box<dyn Searcher + '_>));
    all
}

/// Whether these are the parameters that the golden vector belongs to.
pub fn is_golden(parameters: &Parameters) -> bool {
    Parameters::of_epoch(parameters.schedule, 0).is_ok_and(|epoch_0| epoch_0 == *parameters)
}

/// A searcher at work on `threads` threads.
pub struct Search<'s> {
    searcher: &'s dyn Searcher,
    dataset: &'s Dataset,
    threads: usize,
    pages: &'static str,
    next_nonce: u64,
}

impl<'s> Search<'s> {
    /// A search over `dataset`, which lies on `pages` (`huge`, `4k` or `device`).
    pub fn new(
        searcher: &'s dyn Searcher,
        dataset: &'s Dataset,
        threads: usize,
        pages: &'static str,
    ) -> Self {
        Self { searcher, dataset, threads, pages, next_nonce: 0 }
    }

    fn failed(&self, reason: String) -> BenchError {
        BenchError::Contender { contender: self.identity().label(), reason }
    }

    /// Each solution as the reference computes it over the same dataset.
    fn check_solutions(&self, solutions: &[Solution]) -> Result<(), BenchError> {
        let name = self.searcher.name();
        for solution in solutions {
            let expected = self.dataset.hashimoto(&GOLDEN_HEADER, solution.nonce);
            let case = format!("nonce {:#018x}", solution.nonce);
            expect_answer(&name, &case, &expected.mix_hash, &solution.hash.mix_hash)?;
            expect_answer(&name, &case, &expected.result, &solution.hash.result)?;
        }
        Ok(())
    }

    /// With the golden result as boundary the golden nonce is found, and with one less it is not.
    fn check_golden(&self) -> Result<(), BenchError> {
        let mut below = GOLDEN_HASH.result;
        below[31] -= 1;
        let golden = Solution { nonce: GOLDEN_NONCE, hash: GOLDEN_HASH };
        for (boundary, expected) in [(GOLDEN_HASH.result, vec![golden]), (below, Vec::new())] {
            let boundary = Boundary::from_be_bytes(boundary);
            let found = self.solutions_near(&boundary, GOLDEN_NONCE, 1)?;
            if found != expected {
                let reason = format!("golden vector of epoch 0: found {found:?}, expected {expected:?}");
                return Err(self.failed(reason));
            }
        }
        Ok(())
    }

    fn solutions_near(
        &self,
        boundary: &Boundary,
        first_nonce: u64,
        count: u64,
    ) -> Result<Vec<Solution>, BenchError> {
        let job = SearchJob { header: &GOLDEN_HEADER, boundary, first_nonce, count };
        let outcome =
            self.searcher.search(&job, &AtomicBool::new(false)).map_err(|reason| self.failed(reason))?;
        if outcome.hashes != count {
            return Err(self.failed(format!("tried {} of {count} nonces", outcome.hashes)));
        }
        Ok(outcome.solutions)
    }
}

impl Contender for Search<'_> {
    fn identity(&self) -> Identity {
        Identity {
            engine: self.searcher.name(),
            origin: self.searcher.origin(),
            measure: "search".to_owned(),
            unit: "hash".to_owned(),
            threads: self.threads,
            pages: Some(self.pages.to_owned()),
        }
    }

    /// Which nonces pass, and with what hashes, over a range around the golden nonce.
    fn check(&mut self) -> Result<String, BenchError> {
        let first = GOLDEN_NONCE - CHECKED_NONCES / 2;
        let solutions = self.solutions_near(&CHECKED_BOUNDARY, first, CHECKED_NONCES)?;
        self.check_solutions(&solutions)?;
        let expected: Vec<u64> = (first..first + CHECKED_NONCES)
            .filter(|&nonce| {
                CHECKED_BOUNDARY.is_met_by(&self.dataset.hashimoto(&GOLDEN_HEADER, nonce).result)
            })
            .collect();
        let found: Vec<u64> = solutions.iter().map(|solution| solution.nonce).collect();
        if expected != found {
            return Err(self.failed(format!("found nonces {found:x?}, the reference {expected:x?}")));
        }
        let mut said = format!("{} finds in {CHECKED_NONCES} nonces against the reference", expected.len());
        if is_golden(self.dataset.parameters()) {
            self.check_golden()?;
            said.push_str("; golden vector of epoch 0");
        }
        Ok(said)
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        let stop = AtomicBool::new(false);
        // Each thread has 2^40 nonces for itself, more than any sample can try; samples never repeat one.
        let base = self.next_nonce;
        self.next_nonce = base.wrapping_add((self.threads as u64) << 40);
        let worker = |thread: usize| {
            let first_nonce = base.wrapping_add((thread as u64) << 40);
            let (header, boundary) = (&GOLDEN_HEADER, &TIMED_BOUNDARY);
            let job = SearchJob { header, boundary, first_nonce, count: 1 << 40 };
            let (wall, cpu) = (Instant::now(), thread_cpu_time());
            let outcome = self.searcher.search(&job, &stop)?;
            Ok((outcome, wall.elapsed(), thread_cpu_time().saturating_sub(cpu)))
        };
        let results: Vec<Result<(SearchOutcome, Duration, Duration), String>> = std::thread::scope(|scope| {
            let worker = &worker;
            let handles: Vec<_> =
                (0..self.threads).map(|thread| scope.spawn(move || worker(thread))).collect();
            std::thread::sleep(Duration::from_secs_f64(seconds));
            stop.store(true, Ordering::Relaxed);
            let panicked = || Err("a search thread panicked".to_owned());
            handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| panicked())).collect()
        });
        let mut sample = Sample::default();
        let mut cpu_seconds = 0.0;
        for result in results {
            let (outcome, wall, cpu) = result.map_err(|reason| self.failed(reason))?;
            self.check_solutions(&outcome.solutions)?;
            sample.work += outcome.hashes;
            sample.wall_seconds = sample.wall_seconds.max(wall.as_secs_f64());
            cpu_seconds += cpu.as_secs_f64();
        }
        sample.cpu_seconds = Some(cpu_seconds);
        Ok(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::dag::light_cache;
    use medrec_kernels::memory::Pages;
    use medrec_kernels::progress::Progress;

    fn small_dataset() -> Dataset {
        let cache = light_cache(&Parameters::reduced([3; 32], 1_021, 8_198)).unwrap();
        Dataset::build(&cache, Pages::Base, 1, &Progress::new()).unwrap()
    }

    #[test]
    fn every_engine_passes_the_check_and_is_sampled_with_its_finds_verified() {
        let dataset = small_dataset();
        for searcher in searchers(&dataset) {
            let mut search = Search::new(searcher.as_ref(), &dataset, 2, "4k");
            assert!(search.check().unwrap().contains("finds in 259 nonces"));
            let sample = search.sample(0.05).unwrap();
            assert!(sample.work > 0 && sample.cpu_seconds.unwrap() > 0.0, "{sample:?}");
        }
    }

    /// Gives every find of the reference but one, or a wrong mix hash.
    struct Faulty<'d> {
        dataset: &'d Dataset,
        drops_one: bool,
    }

    impl Searcher for Faulty<'_> {
        fn name(&self) -> String {
            "faulty".to_owned()
        }
        fn origin(&self) -> Origin {
            Origin::Peer
        }
        fn search(&self, job: &SearchJob<'_>, stop: &AtomicBool) -> Result<SearchOutcome, String> {
            let mut outcome = ReferenceSearcher { dataset: self.dataset }.search(job, stop)?;
            if self.drops_one {
                outcome.solutions.pop();
            } else if let Some(solution) = outcome.solutions.last_mut() {
                solution.hash.mix_hash[0] ^= 1;
            }
            Ok(outcome)
        }
    }

    #[test]
    fn a_missed_find_and_a_wrong_mix_hash_are_caught() {
        let dataset = small_dataset();
        let missed = Faulty { dataset: &dataset, drops_one: true };
        let error = Search::new(&missed, &dataset, 1, "4k").check().unwrap_err();
        assert!(matches!(error, BenchError::Contender { .. }), "{error}");
        let wrong = Faulty { dataset: &dataset, drops_one: false };
        let error = Search::new(&wrong, &dataset, 1, "4k").check().unwrap_err();
        assert!(matches!(error, BenchError::WrongAnswer { .. }), "{error}");
    }
}
