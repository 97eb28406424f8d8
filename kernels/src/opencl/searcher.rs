//! The worker that a miner drives: search a range of nonces over a dataset on one device.
//!
//! Two launches are in the device's queue at any time. Every find is hashed again on the CPU before it
//! is reported. What the work is for, and which range comes next, the caller knows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opencl3::event::Event;

use super::dataset::DeviceDataset;
use super::device::Device;
use super::error::OpenClError;
use super::launch::{LaunchSize, TARGET_LAUNCH, expected_hashes, float};
use super::results::{ResultBuffer, Results};
use super::search_kernel::{Launch, SearchKernel};
use super::tuning::Tuning;
use crate::ethash::{Boundary, Hashimoto, LightCache, Parameters, Row, Solution};
use crate::keccak::Digest256;
use crate::progress::Progress;

/// Hashes a nonce on the CPU, to confirm what a device found.
pub type Verify = Arc<dyn Fn(&Digest256, u64) -> Hashimoto + Send + Sync>;

/// A [`Verify`] that computes the items it needs from the light cache.
pub fn light_verifier(cache: Arc<LightCache>) -> Verify {
    Arc::new(move |header, nonce| cache.hashimoto(header, nonce))
}

/// What to search.
#[derive(Debug, Clone, Copy)]
pub struct SearchRequest {
    /// The block's seal hash.
    pub header: Digest256,
    /// A result at most this, as a big-endian number, is a solution.
    pub boundary: Boundary,
    /// The first nonce. Nonces wrap around after the last.
    pub start_nonce: u64,
    /// How many nonces to search.
    pub max_nonces: u64,
    /// Stop soon after this many solutions; None: find every solution of the range.
    pub max_solutions: Option<u32>,
}

/// What a search did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchOutcome {
    /// Confirmed solutions, in the order of their nonces.
    pub solutions: Vec<Solution>,
    /// Nonces hashed. After a stop or an early exit they are not one range.
    pub hashes: u64,
    /// The first nonce of the range that no launch has touched; start of what is left.
    pub next_nonce: u64,
}

/// What rarely needs to differ from its default.
#[derive(Debug, Clone, Copy)]
pub struct SearcherOptions {
    /// Solutions that one launch can report; a launch that meets more is searched again in halves.
    pub result_slots: u32,
    /// How long a launch should take.
    pub launch_target: Duration,
}

impl Default for SearcherOptions {
    fn default() -> Self {
        Self { result_slots: 256, launch_target: TARGET_LAUNCH }
    }
}

/// A searcher over one dataset on one device.
pub struct OpenClSearcher {
    dataset: Arc<DeviceDataset>,
    kernel: SearchKernel,
    results: [ResultBuffer; 2],
    verify: Verify,
    size: LaunchSize,
}

/// A launch in the device's queue.
struct Queued {
    start_nonce: u64,
    nonces: u32,
    results: usize,
    event: Event,
}

impl OpenClSearcher {
    /// Generates the dataset on `device` and makes a searcher over it, checking some hashes of the device
    /// against `verify`.
    ///
    /// # Errors
    /// As [`DeviceDataset::generate`] and [`OpenClSearcher::over`].
    pub fn new(
        device: &Device,
        parameters: &Parameters,
        cache: &[Row],
        tuning: Tuning,
        verify: Verify,
        progress: &Progress,
    ) -> Result<Self, OpenClError> {
        let dataset = DeviceDataset::generate(device, parameters, cache, progress)?;
        Self::over(Arc::new(dataset), tuning, verify, SearcherOptions::default())
    }

    /// A searcher over a dataset that is in device memory already.
    ///
    /// # Errors
    /// [`OpenClError::UnusableTuning`], [`OpenClError::Build`], [`OpenClError::WrongAnswer`] when the device
    /// hashes wrongly, and what the driver refuses.
    pub fn over(
        dataset: Arc<DeviceDataset>,
        tuning: Tuning,
        verify: Verify,
        options: SearcherOptions,
    ) -> Result<Self, OpenClError> {
        let mut searcher = Self::unchecked(dataset, tuning, verify, options)?;
        searcher.check_some_hashes()?;
        Ok(searcher)
    }

    /// As [`OpenClSearcher::over`] without the check at the start: for a dataset that is not whole.
    ///
    /// # Errors
    /// As [`OpenClSearcher::over`].
    pub fn unchecked(
        dataset: Arc<DeviceDataset>,
        tuning: Tuning,
        verify: Verify,
        options: SearcherOptions,
    ) -> Result<Self, OpenClError> {
        let kernel = SearchKernel::build(&dataset, tuning)?;
        let context = dataset.context();
        let slots = options.result_slots.max(1);
        let results = [ResultBuffer::allocate(context, slots)?, ResultBuffer::allocate(context, slots)?];
        // Sixteen groups a compute unit fill a GPU about once.
        let group_nonces = tuning.work_group() * tuning.nonces_per_work_item();
        let quantum = u64::from(context.device().compute_units.max(1)) * 16 * u64::from(group_nonces);
        let size = LaunchSize::new(quantum, options.launch_target);
        Ok(Self { dataset, kernel, results, verify, size })
    }

    /// The dataset that is searched over.
    pub const fn dataset(&self) -> &Arc<DeviceDataset> {
        &self.dataset
    }

    /// The tuning in use.
    pub const fn tuning(&self) -> Tuning {
        self.kernel.tuning()
    }

    /// Searches until the range ends, enough solutions are found or `stop` is set; a stop takes effect within
    /// a fraction of a launch.
    ///
    /// # Errors
    /// [`OpenClError::WrongAnswer`] when the CPU does not confirm a find, [`OpenClError::DeviceLost`], and what
    /// the driver refuses.
    pub fn search(
        &mut self,
        request: &SearchRequest,
        stop: &AtomicBool,
    ) -> Result<SearchOutcome, OpenClError> {
        let mut outcome = SearchOutcome { solutions: Vec::new(), hashes: 0, next_nonce: request.start_nonce };
        let mut remaining = request.max_nonces;
        let mut queued = VecDeque::new();
        loop {
            let enough = is_enough(request, outcome.solutions.len());
            while queued.len() < 2 && remaining > 0 && !enough && !stop.load(Ordering::Relaxed) {
                let launch = self.enqueue(request, outcome.next_nonce, remaining, &queued)?;
                remaining -= u64::from(launch.nonces);
                outcome.next_nonce = outcome.next_nonce.wrapping_add(u64::from(launch.nonces));
                queued.push_back(launch);
            }
            let Some(launch) = queued.pop_front() else { break };
            self.finish(request, &launch, enough, stop, &mut outcome)?;
        }
        outcome.solutions.sort_unstable_by_key(|solution| solution.nonce.wrapping_sub(request.start_nonce));
        Ok(outcome)
    }

    fn enqueue(
        &mut self,
        request: &SearchRequest,
        start_nonce: u64,
        remaining: u64,
        queued: &VecDeque<Queued>,
    ) -> Result<Queued, OpenClError> {
        let results = queued.back().map_or(0, |last: &Queued| 1 - last.results);
        // Enough slots for four times the expected solutions, and no more hashes than the solutions
        // wanted should take.
        let solutions = self.results[0].slots() / 4;
        let solutions = request.max_solutions.map_or(solutions, |wanted| wanted.min(solutions)).max(1);
        let limit = expected_hashes(request.boundary.as_bytes()) * f64::from(solutions);
        let nonces = self.size.next(limit, remaining);
        let launch = Launch {
            header: &request.header,
            boundary: request.boundary.as_bytes(),
            start_nonce,
            nonces,
            solutions_wanted: request.max_solutions.unwrap_or(u32::MAX),
        };
        let event = self.kernel.enqueue(&self.dataset, &launch, &mut self.results[results])?;
        Ok(Queued { start_nonce, nonces, results, event })
    }

    /// Waits for a launch and takes its results over; `abort` ends it early.
    fn finish(
        &mut self,
        request: &SearchRequest,
        launch: &Queued,
        abort: bool,
        stop: &AtomicBool,
        outcome: &mut SearchOutcome,
    ) -> Result<(), OpenClError> {
        let results = self.wait(launch, abort, stop)?;
        outcome.hashes += u64::from(results.hashes);
        if results.hashes == launch.nonces {
            self.size.measured(launch.nonces, self.dataset.context().seconds(&launch.event)?);
        }
        if results.is_overflown() && !is_enough(request, outcome.solutions.len() + results.found.len()) {
            return self.search_in_halves(request, launch.start_nonce, launch.nonces, stop, outcome);
        }
        self.confirm(request, launch.start_nonce, &results, outcome)
    }

    fn wait(&mut self, launch: &Queued, abort: bool, stop: &AtomicBool) -> Result<Results, OpenClError> {
        let Self { dataset, results, .. } = self;
        let context = dataset.context();
        let results = &mut results[launch.results];
        let mut is_aborted = false;
        context.wait(&launch.event, Duration::from_micros(200), || {
            if !is_aborted && (abort || stop.load(Ordering::Relaxed)) {
                is_aborted = true;
                results.abort(context)?;
            }
            Ok(())
        })?;
        results.read(context)
    }

    /// Searches a range whose solutions did not fit again, in parts that fit. The hashes of the second look do
    /// not count.
    fn search_in_halves(
        &mut self,
        request: &SearchRequest,
        start_nonce: u64,
        nonces: u32,
        stop: &AtomicBool,
        outcome: &mut SearchOutcome,
    ) -> Result<(), OpenClError> {
        // A launch behind this one may be using the other buffer.
        let mut results = ResultBuffer::allocate(self.dataset.context(), self.results[0].slots())?;
        let mut parts = vec![(start_nonce, nonces)];
        while let Some((start_nonce, nonces)) = parts.pop() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let launch = Launch {
                header: &request.header,
                boundary: request.boundary.as_bytes(),
                start_nonce,
                nonces,
                solutions_wanted: u32::MAX,
            };
            // As many nonces as slots cannot overflow, so that halving ends.
            if nonces > results.slots() {
                let half = nonces / 2;
                parts.push((start_nonce.wrapping_add(u64::from(half)), nonces - half));
                parts.push((start_nonce, half));
                continue;
            }
            let event = self.kernel.enqueue(&self.dataset, &launch, &mut results)?;
            self.dataset.context().wait(&event, Duration::from_micros(50), || Ok(()))?;
            let found = results.read(self.dataset.context())?;
            self.confirm(request, start_nonce, &found, outcome)?;
        }
        Ok(())
    }

    /// Hashes every find on the CPU; only what agrees in all bits is reported.
    fn confirm(
        &self,
        request: &SearchRequest,
        start_nonce: u64,
        results: &Results,
        outcome: &mut SearchOutcome,
    ) -> Result<(), OpenClError> {
        for (offset, device_hash) in &results.found {
            let nonce = start_nonce.wrapping_add(u64::from(*offset));
            let hash = (self.verify)(&request.header, nonce);
            if hash != *device_hash || !request.boundary.is_met_by(&hash.result) {
                let device = self.dataset.context().device().name.clone();
                return Err(OpenClError::WrongAnswer { device, nonce });
            }
            outcome.solutions.push(Solution { nonce, hash });
        }
        Ok(())
    }

    /// A kernel that misses solutions would never be noticed by checking its finds: so some hashes are
    /// compared before anything is searched, more than one group of lanes and an odd tail of them.
    fn check_some_hashes(&mut self) -> Result<(), OpenClError> {
        const NONCES: u32 = 9;
        let request = SearchRequest {
            header: [0x5a; 32],
            boundary: Boundary::MAX,
            // Across the end of the nonces.
            start_nonce: u64::MAX - 4,
            max_nonces: u64::from(NONCES),
            max_solutions: None,
        };
        let outcome = self.search(&request, &AtomicBool::new(false))?;
        if outcome.solutions.len() == NONCES as usize && outcome.hashes == u64::from(NONCES) {
            return Ok(());
        }
        let device = self.dataset.context().device().name.clone();
        Err(OpenClError::WrongAnswer { device, nonce: request.start_nonce })
    }

    /// Hashes `seconds` long without looking for anything, and tells how fast.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn measure_hashrate_hps(&mut self, seconds: f64) -> Result<f64, OpenClError> {
        let (mut hashes, mut busy_seconds, mut nonce) = (0_u64, 0.0, 0_u64);
        let Self { dataset, kernel, results, size, .. } = self;
        while busy_seconds < seconds {
            let nonces = size.next(f64::INFINITY, u64::MAX);
            let launch = Launch {
                header: &[0x5a; 32],
                boundary: &[0; 32],
                start_nonce: nonce,
                nonces,
                solutions_wanted: u32::MAX,
            };
            let event = kernel.enqueue(dataset, &launch, &mut results[0])?;
            dataset.context().wait(&event, Duration::from_micros(200), || Ok(()))?;
            let launch_seconds = dataset.context().seconds(&event)?;
            size.measured(nonces, launch_seconds);
            // The first launch warms clocks and caches up and is small: it does not count.
            if nonce > 0 {
                hashes += u64::from(nonces);
                busy_seconds += launch_seconds;
            }
            nonce += u64::from(nonces);
        }
        Ok(float(hashes) / busy_seconds)
    }
}

fn is_enough(request: &SearchRequest, solutions: usize) -> bool {
    request.max_solutions.is_some_and(|wanted| solutions >= wanted as usize)
}
