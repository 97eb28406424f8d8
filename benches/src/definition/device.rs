//! Ethash on an OpenCL device: search, the device's own limit, and generating the dataset.
//!
//! The unit is the same as on processors. Search is timed on the wall clock, the host's part included; the
//! limit by the device's own clock, so that it is never made to look lower than it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use medrec_kernels::ethash::parameters::ACCESSES;
use medrec_kernels::ethash::{Boundary, LightCache, Solution};
use medrec_kernels::opencl::limit::RandomReader;
use medrec_kernels::opencl::{Device, DeviceDataset, OpenClError, OpenClSearcher, SearchRequest};
use medrec_kernels::progress::Progress;

use super::ethash::{GOLDEN_HASH, GOLDEN_HEADER, GOLDEN_NONCE, is_golden};
use super::expect_answer;
use crate::error::BenchError;
use crate::harness::{Contender, Identity, Origin, Sample};

/// One hash in 16 passes the check.
const CHECKED_BOUNDARY: Boundary = {
    let mut boundary = [0xff; 32];
    boundary[0] = 0x0f;
    Boundary::from_be_bytes(boundary)
};
/// One hash in 2^32 passes while the clock runs: a few finds a minute, each hashed again by the processor.
const TIMED_BOUNDARY: Boundary = {
    let mut boundary = [0xff; 32];
    boundary[0] = 0;
    boundary[1] = 0;
    boundary[2] = 0;
    boundary[3] = 0;
    Boundary::from_be_bytes(boundary)
};
/// Nonces that the check searches.
const CHECKED_NONCES: u64 = 259;
/// Reads of one chain in one launch of the limit's kernel.
const READS: u32 = 512;
/// Reads in flight of one chain that the limit tries.
const READS_IN_FLIGHT: [u32; 3] = [4, 8, 16];

fn identity(origin: Origin, engine: &str, measure: &str, unit: &str) -> Identity {
    Identity {
        engine: engine.to_owned(),
        origin,
        measure: measure.to_owned(),
        unit: unit.to_owned(),
        threads: 1,
        pages: Some("device".to_owned()),
    }
}

fn failed(device: &Device, error: &OpenClError) -> BenchError {
    BenchError::Contender { contender: device.name.clone(), reason: error.to_string() }
}

/// A searcher on a device.
pub struct DeviceSearch<'c> {
    searcher: OpenClSearcher,
    device: Device,
    cache: &'c LightCache,
    next_nonce: u64,
}

impl<'c> DeviceSearch<'c> {
    /// Search with `searcher`; answers are checked with `cache`, that of the same epoch.
    pub fn new(searcher: OpenClSearcher, cache: &'c LightCache) -> Self {
        let device = searcher.dataset().context().device().clone();
        Self { searcher, device, cache, next_nonce: 0 }
    }

    fn find(
        &mut self,
        boundary: Boundary,
        start_nonce: u64,
        count: u64,
    ) -> Result<Vec<Solution>, BenchError> {
        let request = SearchRequest {
            header: GOLDEN_HEADER,
            boundary,
            start_nonce,
            max_nonces: count,
            max_solutions: None,
        };
        let found = self.searcher.search(&request, &AtomicBool::new(false));
        found.map(|outcome| outcome.solutions).map_err(|error| failed(&self.device, &error))
    }
}

impl Contender for DeviceSearch<'_> {
    fn identity(&self) -> Identity {
        identity(Origin::Medrec, "opencl", "search", "hash")
    }

    /// Which nonces pass over a range around the golden one, and with what hashes.
    fn check(&mut self) -> Result<String, BenchError> {
        let start = GOLDEN_NONCE - CHECKED_NONCES / 2;
        let found = self.find(CHECKED_BOUNDARY, start, CHECKED_NONCES)?;
        let inputs: Vec<_> = (start..start + CHECKED_NONCES).map(|nonce| (GOLDEN_HEADER, nonce)).collect();
        let expected: Vec<Solution> = inputs
            .iter()
            .zip(self.cache.hashimoto_batch(&inputs))
            .filter(|(_, hash)| CHECKED_BOUNDARY.is_met_by(&hash.result))
            .map(|((_, nonce), hash)| Solution { nonce: *nonce, hash })
            .collect();
        if found != expected {
            let reason = format!("found {found:x?}, the processor {expected:x?}");
            return Err(BenchError::Contender { contender: self.device.name.clone(), reason });
        }
        let mut said = format!("{} finds in {CHECKED_NONCES} nonces against the processor", found.len());
        if is_golden(self.cache.parameters()) {
            let golden = self.find(Boundary::from_be_bytes(GOLDEN_HASH.result), GOLDEN_NONCE, 1)?;
            let mix_hash = golden.first().map(|solution| solution.hash.mix_hash).unwrap_or_default();
            expect_answer(&self.device.name, "golden vector of epoch 0", &GOLDEN_HASH.mix_hash, &mix_hash)?;
            said.push_str("; golden vector of epoch 0");
        }
        Ok(said)
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        let request = SearchRequest {
            header: GOLDEN_HEADER,
            boundary: TIMED_BOUNDARY,
            start_nonce: self.next_nonce,
            max_nonces: 1 << 48,
            max_solutions: None,
        };
        self.next_nonce = self.next_nonce.wrapping_add(1 << 48);
        let stop = AtomicBool::new(false);
        let (searcher, stop_flag) = (&mut self.searcher, &stop);
        let (outcome, wall) = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_secs_f64(seconds));
                stop_flag.store(true, Ordering::Relaxed);
            });
            let start = Instant::now();
            (searcher.search(&request, stop_flag), start.elapsed())
        });
        let outcome = outcome.map_err(|error| failed(&self.device, &error))?;
        Ok(Sample { work: outcome.hashes, wall_seconds: wall.as_secs_f64(), ..Sample::default() })
    }
}

/// Random reads of 128 bytes over a dataset in a device's memory.
pub struct DeviceLimit {
    dataset: Arc<DeviceDataset>,
    in_flight: u32,
    salt: u32,
}

impl DeviceLimit {
    /// Reads of `dataset`.
    pub const fn new(dataset: Arc<DeviceDataset>) -> Self {
        Self { dataset, in_flight: READS_IN_FLIGHT[0], salt: 0 }
    }

    /// Chains that fill the device: eight work-items share one on a graphics processor, where 2,048
    /// work-items a compute unit are wanted several times over; one walks it on a processor.
    fn chains(&self) -> u32 {
        self.dataset.context().device().compute_units * 1_024
    }

    fn read(&mut self, in_flight: u32, seconds: f64) -> Result<Sample, BenchError> {
        let device = self.dataset.context().device();
        let error = |error| failed(device, &error);
        let mut reader = RandomReader::new(&self.dataset, in_flight, self.chains()).map_err(error)?;
        // The first launch warms clocks and translation caches up.
        reader.run(READS, 0).map_err(error)?;
        let mut sample = Sample::default();
        let start = Instant::now();
        while sample.wall_seconds < seconds && start.elapsed().as_secs_f64() < 4.0 * seconds + 1.0 {
            self.salt = self.salt.wrapping_add(1);
            let salt = self.salt.wrapping_mul(0x85eb_ca6b);
            sample.wall_seconds += reader.run(READS, salt).map_err(error)?;
            sample.work += reader.chains() * u64::from(READS) / u64::from(ACCESSES);
        }
        Ok(sample)
    }
}

impl Contender for DeviceLimit {
    fn identity(&self) -> Identity {
        identity(Origin::Limit, super::limit::NAME, "search", "hash")
    }

    fn check(&mut self) -> Result<String, BenchError> {
        let mut best = (0.0, self.in_flight);
        for in_flight in READS_IN_FLIGHT {
            let rate = self.read(in_flight, 0.2)?.rate();
            if rate > best.0 {
                best = (rate, in_flight);
            }
        }
        self.in_flight = best.1;
        Ok(format!("{} reads in flight a chain, the fastest of {READS_IN_FLIGHT:?}", self.in_flight))
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        self.read(self.in_flight, seconds)
    }
}

/// Generates whole datasets in a device's memory.
pub struct DeviceDatasetBuild<'c> {
    /// Where.
    pub device: Device,
    /// From what.
    pub cache: &'c LightCache,
}

impl DeviceDatasetBuild<'_> {
    fn generate(&self) -> Result<DeviceDataset, BenchError> {
        let parameters = self.cache.parameters();
        DeviceDataset::generate(&self.device, parameters, self.cache.rows(), &Progress::new())
            .map_err(|error| failed(&self.device, &error))
    }
}

impl Contender for DeviceDatasetBuild<'_> {
    fn identity(&self) -> Identity {
        identity(Origin::Medrec, "opencl", "dataset", "item")
    }

    /// Items from all parts of the dataset, the first and the last among them.
    fn check(&mut self) -> Result<String, BenchError> {
        const CHECKED_ITEMS: u32 = 64;
        let dataset = self.generate()?;
        let last = self.cache.parameters().dataset_items - 1;
        for step in 0..=CHECKED_ITEMS {
            let index = u64::from(last) * u64::from(step) / u64::from(CHECKED_ITEMS);
            let index = u32::try_from(index).unwrap_or(last);
            let mut item = [[0; 16]];
            dataset.read(index, &mut item).map_err(|error| failed(&self.device, &error))?;
            let bytes = |row| medrec_kernels::ethash::reference::bytes_of(&row);
            let (expected, actual) = (bytes(self.cache.item(index)), bytes(item[0]));
            expect_answer(&self.device.name, &format!("item {index}"), &expected, &actual)?;
        }
        Ok(format!("{} items of the dataset against the processor", CHECKED_ITEMS + 1))
    }

    fn sample(&mut self, _seconds: f64) -> Result<Sample, BenchError> {
        let start = Instant::now();
        let dataset = self.generate()?;
        let wall_seconds = start.elapsed().as_secs_f64();
        Ok(Sample { work: u64::from(dataset.parameters().dataset_items), wall_seconds, ..Sample::default() })
    }
}
