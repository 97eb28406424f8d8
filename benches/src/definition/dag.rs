//! Building the light cache (unit: a row of 64 bytes) and the dataset (unit: an item of 64 bytes).
//!
//! A light cache is one chain of hashes: it is built whole, as often as a sample has time for. A dataset
//! of a real epoch takes longer than a sample, so a build is stopped when the sample's time is over, and
//! the items finished until then are counted; a *whole* build runs to its end and counts everything,
//! the getting of its memory included.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use medrec_kernels::ethash::light::BuildError;
use medrec_kernels::ethash::{Dataset, LightCache, Parameters, reference};
use medrec_kernels::isa::Isa;
use medrec_kernels::memory::Pages;
use medrec_kernels::progress::Progress;

use super::expect_answer;
use crate::error::BenchError;
use crate::harness::{Contender, Identity, Origin, Sample, on_threads, process_cpu_seconds};

/// Parameters of the comparison with the reference: some thousand items, rows in odd numbers.
const CHECKED: Parameters = Parameters::reduced([0x5a; 32], 1_021, 8_198);

/// Builds light caches one after the other.
pub struct LightCacheBuild {
    /// Whose cache.
    pub parameters: Parameters,
}

impl Contender for LightCacheBuild {
    fn identity(&self) -> Identity {
        identity("scalar", "light-cache", "row", 1)
    }

    fn check(&mut self) -> Result<String, BenchError> {
        let built = light_cache(&CHECKED)?;
        let expected = reference::light_cache(&CHECKED);
        for (at, (expected, actual)) in expected.iter().zip(built.rows()).enumerate() {
            let case = format!("row {at} of a reduced light cache");
            let (expected, actual) = (reference::bytes_of(expected), reference::bytes_of(actual));
            expect_answer("scalar", &case, &expected, &actual)?;
        }
        Ok(format!("{} rows of a reduced light cache against the reference", expected.len()))
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        on_threads(1, seconds, |_, deadline| {
            let mut rows = 0;
            loop {
                rows += light_cache(&self.parameters)?.rows().len() as u64;
                if Instant::now() >= deadline {
                    return Ok(rows);
                }
            }
        })
    }
}

/// Builds datasets, or the part of one that a sample has time for.
pub struct DatasetBuild<'s> {
    cache: LightCache,
    pages: Pages,
    threads: usize,
    is_whole: bool,
    stop: &'s AtomicBool,
}

impl<'s> DatasetBuild<'s> {
    /// Builds with `isa` from `cache`; `stop` ends even a whole build.
    ///
    /// # Errors
    /// [`BenchError::Contender`] when the processor lacks the instruction set.
    pub fn new(
        cache: LightCache,
        isa: Isa,
        pages: Pages,
        threads: usize,
        is_whole: bool,
        stop: &'s AtomicBool,
    ) -> Result<Self, BenchError> {
        let cache = cache.with_isa(isa).ok_or_else(|| BenchError::Contender {
            contender: isa.name().to_owned(),
            reason: "this processor lacks the instruction set".to_owned(),
        })?;
        Ok(Self { cache, pages, threads, is_whole, stop })
    }

    /// One build, stopped at `deadline` unless it is to be whole. Gives the items finished.
    fn build_until(&self, deadline: Instant) -> Result<u64, BenchError> {
        let progress = Progress::new();
        let is_done = AtomicBool::new(false);
        let built = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    let is_over = !self.is_whole && Instant::now() >= deadline;
                    if is_over || self.stop.load(Ordering::Relaxed) {
                        progress.request_stop();
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let built = Dataset::build(&self.cache, self.pages, self.threads, &progress);
            is_done.store(true, Ordering::Relaxed);
            built
        });
        match built {
            Ok(_) => {}
            Err(BuildError::Stopped) if !self.is_whole => {}
            Err(BuildError::Stopped) => return Err(BenchError::Stopped),
            Err(error) => return Err(failed(self.cache.isa().name(), &error)),
        }
        Ok(progress.done())
    }
}

impl Contender for DatasetBuild<'_> {
    fn identity(&self) -> Identity {
        let measure = if self.is_whole { "dataset" } else { "dataset-part" };
        identity(self.cache.isa().name(), measure, "item", self.threads)
    }

    fn check(&mut self) -> Result<String, BenchError> {
        let name = self.cache.isa().name();
        let cache = light_cache(&CHECKED)?.with_isa(self.cache.isa());
        let cache = cache.ok_or_else(|| failed(name, &BuildError::Stopped))?;
        let built = Dataset::build(&cache, self.pages, self.threads, &Progress::new())
            .map_err(|error| failed(name, &error))?;
        let rows = reference::light_cache(&CHECKED);
        for index in 0..CHECKED.dataset_items {
            let expected = reference::bytes_of(&reference::dataset_item(&rows, index));
            let actual = reference::bytes_of(&built.items()[index as usize]);
            expect_answer(name, &format!("item {index} of a reduced dataset"), &expected, &actual)?;
        }
        Ok(format!("{} items of a reduced dataset against the reference", CHECKED.dataset_items))
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        let (start, cpu) = (Instant::now(), process_cpu_seconds());
        let deadline = start + Duration::from_secs_f64(seconds);
        let mut work = 0;
        loop {
            work += self.build_until(deadline)?;
            if Instant::now() >= deadline || self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        let wall_seconds = start.elapsed().as_secs_f64();
        Ok(Sample { work, wall_seconds, cpu_seconds: Some(process_cpu_seconds() - cpu), ..Sample::default() })
    }
}

/// The light cache of `parameters`.
///
/// # Errors
/// [`BenchError::Contender`] when there is no memory for it.
pub fn light_cache(parameters: &Parameters) -> Result<LightCache, BenchError> {
    LightCache::build(parameters, &Progress::new()).map_err(|error| failed("light cache", &error))
}

fn identity(engine: &str, measure: &str, unit: &str, threads: usize) -> Identity {
    Identity {
        engine: engine.to_owned(),
        origin: Origin::Medrec,
        measure: measure.to_owned(),
        unit: unit.to_owned(),
        threads,
        pages: None,
    }
}

fn failed(contender: &str, error: &BuildError) -> BenchError {
    BenchError::Contender { contender: contender.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_light_cache_is_checked_and_counted_in_rows() {
        let mut build = LightCacheBuild { parameters: CHECKED };
        build.check().unwrap();
        let sample = build.sample(0.01).unwrap();
        assert!(sample.work >= 1_021 && sample.work.is_multiple_of(1_021));
    }

    #[test]
    fn every_instruction_set_builds_what_the_reference_builds() {
        let stop = AtomicBool::new(false);
        for isa in Isa::available() {
            for is_whole in [false, true] {
                let cache = light_cache(&CHECKED).unwrap();
                let mut build = DatasetBuild::new(cache, isa, Pages::Huge, 2, is_whole, &stop).unwrap();
                build.check().unwrap();
                // A whole build ends when it is whole; a part needs the time for one.
                let seconds = if is_whole { 0.01 } else { 1.0 };
                assert!(build.sample(seconds).unwrap().work >= 8_198);
            }
        }
    }

    #[test]
    fn a_part_ends_with_its_time_and_a_whole_build_with_the_stop() {
        let parameters = Parameters::reduced([1; 32], 1_021, 1 << 22);
        let stop = AtomicBool::new(false);
        let part = || light_cache(&parameters).unwrap();
        let mut build = DatasetBuild::new(part(), Isa::Scalar, Pages::Huge, 1, false, &stop).unwrap();
        let sample = build.sample(0.05).unwrap();
        assert!(sample.work > 0 && sample.work < 1 << 22, "{sample:?}");

        let stopped = AtomicBool::new(true);
        let mut build = DatasetBuild::new(part(), Isa::Scalar, Pages::Huge, 1, true, &stopped).unwrap();
        assert!(matches!(build.sample(0.05), Err(BenchError::Stopped)));
    }
}
