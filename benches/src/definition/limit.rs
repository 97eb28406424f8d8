//! The machine's own limit for Ethash search, as a contender of the same run.
//!
//! One hash reads 64 pages of 128 bytes at random; the limit does nothing but read such pages over the same
//! memory, with the same threads, and as many reads in flight as serve it best. Its unit is the hash: 64
//! reads.

use std::time::Duration;

use medrec_kernels::ethash::Dataset;
use medrec_kernels::ethash::parameters::ACCESSES;
use medrec_kernels::limit::{DEPTHS, random_reads};

use crate::error::BenchError;
use crate::harness::{Contender, Identity, Origin, Sample, process_cpu_seconds};

/// The name of this limit in records.
pub const NAME: &str = "random 128-byte reads";
/// How long each number of reads in flight is tried before the best is kept.
const TRIAL: Duration = Duration::from_millis(60);

/// Random reads over a dataset.
pub struct ReadLimit<'d> {
    dataset: &'d Dataset,
    threads: usize,
    pages: &'static str,
    in_flight: usize,
}

impl<'d> ReadLimit<'d> {
    /// Reads of `dataset`, which lies on `pages` (`huge` or `4k`), on `threads` threads.
    pub const fn new(dataset: &'d Dataset, threads: usize, pages: &'static str) -> Self {
        Self { dataset, threads, pages, in_flight: 16 }
    }
}

impl Contender for ReadLimit<'_> {
    fn identity(&self) -> Identity {
        Identity {
            engine: NAME.to_owned(),
            origin: Origin::Limit,
            measure: "search".to_owned(),
            unit: "hash".to_owned(),
            threads: self.threads,
            pages: Some(self.pages.to_owned()),
        }
    }

    /// Finds the number of reads in flight that reads fastest, of two trials each.
    fn check(&mut self) -> Result<String, BenchError> {
        let rate = |in_flight: usize| {
            let trial =
                || random_reads(self.dataset.pages(), self.threads, in_flight, TRIAL).reads_per_second();
            trial().max(trial())
        };
        let best = DEPTHS.into_iter().map(|depth| (rate(depth), depth)).max_by(|a, b| a.0.total_cmp(&b.0));
        self.in_flight = best.map_or(self.in_flight, |(_, depth)| depth);
        Ok(format!("{} reads in flight, the fastest of {DEPTHS:?}", self.in_flight))
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        let cpu = process_cpu_seconds();
        let duration = Duration::from_secs_f64(seconds);
        let found = random_reads(self.dataset.pages(), self.threads, self.in_flight, duration);
        Ok(Sample {
            work: found.reads / u64::from(ACCESSES),
            wall_seconds: found.elapsed.as_secs_f64(),
            cpu_seconds: Some(process_cpu_seconds() - cpu),
            ..Sample::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::dag::light_cache;
    use medrec_kernels::ethash::Parameters;
    use medrec_kernels::memory::Pages;
    use medrec_kernels::progress::Progress;

    #[test]
    fn the_limit_is_sampled_in_hashes_with_a_depth_that_was_tried() {
        let cache = light_cache(&Parameters::reduced([3; 32], 1_021, 8_198)).unwrap();
        let dataset = Dataset::build(&cache, Pages::Base, 1, &Progress::new()).unwrap();
        let mut limit = ReadLimit::new(&dataset, 2, "4k");
        assert!(limit.check().unwrap().contains("reads in flight"));
        assert!(DEPTHS.contains(&limit.in_flight));
        let sample = limit.sample(0.02).unwrap();
        assert!(sample.work > 100 && sample.wall_seconds >= 0.02, "{sample:?}");
    }
}
