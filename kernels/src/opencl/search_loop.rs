//! The loop of every search on a device: launches in the queue, results taken over, finds confirmed, stops.
//!
//! Two launches are in the device's queue at any time. Every find is hashed again on the CPU before it is reported. What
//! the kernel reads (a dataset, a light cache) the loop does not know.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opencl3::event::Event;

use super::error::OpenClError;
use super::launch::{LaunchSize, expected_hashes, float};
use super::request::{SearchOutcome, SearchRequest, SearcherOptions, Verify};
use super::results::{ResultBuffer, Results};
use super::search_kernel::{Launch, SearchKernel};
use crate::ethash::{Boundary, Solution};

/// A kernel at work.
pub(super) struct SearchLoop {
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

impl SearchLoop {
    /// A loop around `kernel`, whose answers nobody has looked at yet.
    pub(super) fn unchecked(
        kernel: SearchKernel,
        verify: Verify,
        options: SearcherOptions,
    ) -> Result<Self, OpenClError> {
        let slots = options.result_slots.max(1);
        let context = kernel.context();
        let results = [ResultBuffer::allocate(context, slots)?, ResultBuffer::allocate(context, slots)?];
        let size = LaunchSize::new(kernel.quantum(), options.launch_target);
        Ok(Self { kernel, results, verify, size })
    }

    /// As [`SearchLoop::unchecked`]; some hashes of the device are compared with the CPU's.
    pub(super) fn new(
        kernel: SearchKernel,
        verify: Verify,
        options: SearcherOptions,
    ) -> Result<Self, OpenClError> {
        let mut made = Self::unchecked(kernel, verify, options)?;
        made.check_some_hashes()?;
        Ok(made)
    }

    /// Searches until the range ends, enough solutions are found or `stop` is set.
    pub(super) fn search(
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
        let event = self.kernel.enqueue(&launch, &mut self.results[results])?;
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
            self.size.measured(launch.nonces, self.kernel.context().seconds(&launch.event)?);
        }
        if results.is_overflown() && !is_enough(request, outcome.solutions.len() + results.found.len()) {
            return self.search_in_halves(request, launch.start_nonce, launch.nonces, stop, outcome);
        }
        self.confirm(request, launch.start_nonce, &results, outcome)
    }

    fn wait(&mut self, launch: &Queued, abort: bool, stop: &AtomicBool) -> Result<Results, OpenClError> {
        let Self { kernel, results, .. } = self;
        let context = kernel.context();
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
        let mut results = ResultBuffer::allocate(self.kernel.context(), self.results[0].slots())?;
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
            let event = self.kernel.enqueue(&launch, &mut results)?;
            self.kernel.context().wait(&event, Duration::from_micros(50), || Ok(()))?;
            let found = results.read(self.kernel.context())?;
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
                let device = self.kernel.context().device().name.clone();
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
        let device = self.kernel.context().device().name.clone();
        Err(OpenClError::WrongAnswer { device, nonce: request.start_nonce })
    }

    /// Hashes `seconds` long without looking for anything, and tells how fast.
    pub(super) fn measure_hashrate_hps(&mut self, seconds: f64) -> Result<f64, OpenClError> {
        let (mut hashes, mut busy_seconds, mut nonce) = (0_u64, 0.0, 0_u64);
        let Self { kernel, results, size, .. } = self;
        while busy_seconds < seconds {
            let nonces = size.next(f64::INFINITY, u64::MAX);
            let launch = Launch {
                header: &[0x5a; 32],
                boundary: &[0; 32],
                start_nonce: nonce,
                nonces,
                solutions_wanted: u32::MAX,
            };
            let event = kernel.enqueue(&launch, &mut results[0])?;
            kernel.context().wait(&event, Duration::from_micros(200), || Ok(()))?;
            let launch_seconds = kernel.context().seconds(&event)?;
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
