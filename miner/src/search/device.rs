//! An OpenCL device at work.
//!
//! Its dataset is made on the device from the light cache, epoch by epoch; where no datasets are wanted the light cache alone
//! lies there. A device that fails is reported, left alone for
//! a while and set up anew; the other workers do not notice. One that hangs inside its driver cannot be ended: it is found by
//! its silence (`Meter::find_hanging`), and nobody waits for it at the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use medrec_kernels::ethash::Parameters;
use medrec_kernels::opencl::autotune::autotune;
use medrec_kernels::opencl::{
    Device, DeviceDataset, LightSearcher, OpenClError, OpenClSearcher, SearchOutcome, SearchRequest,
    SearcherOptions, Tuning, TuningFile, Verify, light_verifier,
};
use medrec_kernels::progress::Progress;
use tokio::sync::{broadcast, mpsc};

use super::board::{Board, Found, Job};
use super::limit::Limit;
use super::nonces::NonceRange;
use crate::backoff::Backoff;
use crate::epoch::Tables;
use crate::error::MinerError;
use crate::event::MinerEvent;
use crate::meter::{DeviceState, Meter};

/// Time for finding a tuning, once a device.
const TUNING_BUDGET: Duration = Duration::from_secs(15);
/// How often the counters see a search that finds nothing.
const COUNTED_EVERY: Duration = Duration::from_millis(500);
/// Nonces of the first search over a dataset, before the device's speed is known.
const FIRST_SHARE: u64 = 1 << 20;
/// Nonces of the first search from the light cache, which is thousands of times slower.
const FIRST_LIGHT_SHARE: u64 = 1 << 8;
/// A device that is held back still looks at the job this often.
const LOOK: Duration = Duration::from_millis(50);

/// One device.
pub(crate) struct DeviceWorker {
    /// The device.
    pub(crate) device: Device,
    /// Position in the list of devices.
    pub(crate) index: usize,
    /// Where jobs are.
    pub(crate) board: Arc<Board>,
    /// Its counters.
    pub(crate) meter: Arc<Meter>,
    /// Its own nonces.
    pub(crate) nonces: NonceRange,
    /// Where solutions go.
    pub(crate) found: mpsc::Sender<Found>,
    /// Who hears of failures.
    pub(crate) events: broadcast::Sender<MinerEvent>,
    /// Where tunings are remembered; without it the default is used.
    pub(crate) tuning_file: Option<PathBuf>,
    /// Whether it hashes from the light cache instead of making a dataset.
    pub(crate) is_light: bool,
    /// How fast it may be.
    pub(crate) limit: Limit,
}

/// What searches.
enum Searcher {
    /// Over a dataset.
    Full(OpenClSearcher),
    /// From the light cache.
    Light(LightSearcher),
}

impl Searcher {
    fn search(&mut self, request: &SearchRequest, stop: &AtomicBool) -> Result<SearchOutcome, OpenClError> {
        match self {
            Self::Full(searcher) => searcher.search(request, stop),
            Self::Light(searcher) => searcher.search(request, stop),
        }
    }

    const fn state(&self) -> DeviceState {
        match self {
            Self::Full(_) => DeviceState::Full,
            Self::Light(_) => DeviceState::Light,
        }
    }
}

/// A searcher, and how much it is asked at a time.
struct Ready {
    parameters: Parameters,
    searcher: Searcher,
    share: u64,
}

impl DeviceWorker {
    /// Works until the board is closed.
    pub(crate) fn run(mut self) {
        let mut ready: Option<Ready> = None;
        let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_mins(5));
        let mut has_failed = false;
        while let Some(job) = self.board.next() {
            match self.work(&job, &mut ready) {
                Ok(()) => {
                    backoff.reset();
                    if std::mem::take(&mut has_failed) {
                        let device = self.device.name.clone();
                        let _ = self.events.send(MinerEvent::DeviceRecovered { device });
                    }
                }
                Err(_) if self.board.is_closed() => return,
                Err(error) => {
                    has_failed = true;
                    // Whatever is on the device may be damaged: it is set up anew.
                    ready = None;
                    self.fail(&error, backoff.advance());
                }
            }
        }
    }

    fn fail(&self, error: &MinerError, pause: Duration) {
        let why = error.to_string();
        self.meter.failed(&why);
        let _ = self.events.send(MinerEvent::DeviceFailed { device: self.device.name.clone(), why });
        let until = Instant::now() + pause;
        while !self.board.is_closed() && Instant::now() < until {
            self.board.pause(until.saturating_duration_since(Instant::now()).min(Duration::from_millis(200)));
        }
    }

    /// Searches for `job` until it is over.
    fn work(&mut self, job: &Arc<Job>, ready: &mut Option<Ready>) -> Result<(), MinerError> {
        if ready.as_ref().is_none_or(|ready| ready.parameters != *job.tables.parameters()) {
            // The old dataset's memory is needed for the new one.
            *ready = None;
            *ready = Some(self.set_up(&job.tables)?);
        }
        let Some(Ready { searcher, share, .. }) = ready else { return Ok(()) };
        while !job.is_over() {
            self.meter.is_now(searcher.state());
            let pause = self.limit.pause(Instant::now());
            if !pause.is_zero() {
                self.board.pause(pause.min(LOOK));
                continue;
            }
            let work = &job.assignment.work;
            let (start_nonce, max_nonces) = self.nonces.peek(self.limit.share(*share));
            let request = SearchRequest {
                header: work.seal_hash.0,
                boundary: work.boundary,
                start_nonce,
                max_nonces,
                max_solutions: Some(1),
            };
            let started = Instant::now();
            let outcome = searcher.search(&request, job.stop())?;
            self.nonces.skip(outcome.next_nonce.wrapping_sub(start_nonce));
            self.meter.hashed(outcome.hashes);
            self.limit.hashed(outcome.hashes, started);
            if outcome.hashes == max_nonces {
                *share = next_share(*share, started.elapsed());
            }
            if let Some(solution) = outcome.solutions.first()
                && job.end()
            {
                let found = Found {
                    job: Arc::clone(job),
                    nonce: solution.nonce,
                    hash: solution.hash,
                    device: self.index,
                    at: Instant::now(),
                };
                let _ = self.found.blocking_send(found);
            }
        }
        self.meter.is_now(DeviceState::Idle);
        Ok(())
    }

    /// Makes the dataset on the device, and a searcher over it; or a searcher from the light cache.
    fn set_up(&self, tables: &Tables) -> Result<Ready, MinerError> {
        self.meter.is_now(DeviceState::Preparing);
        let parameters = *tables.parameters();
        if self.is_light {
            let searcher = Searcher::Light(LightSearcher::new(&self.device, &tables.cache)?);
            return Ok(Ready { parameters, searcher, share: FIRST_LIGHT_SHARE });
        }
        let dataset = self.generate(tables, &parameters)?;
        let dataset = Arc::new(dataset);
        let verify = light_verifier(Arc::clone(&tables.cache));
        self.meter.is_now(DeviceState::Preparing);
        let tuning = self.tuning(&dataset, &verify);
        let searcher = OpenClSearcher::over(dataset, tuning, verify, SearcherOptions::default())?;
        Ok(Ready { parameters, searcher: Searcher::Full(searcher), share: FIRST_SHARE })
    }

    /// Generates the dataset while a second thread stops it when the miner ends, and passes signs of life on.
    fn generate(&self, tables: &Tables, parameters: &Parameters) -> Result<DeviceDataset, MinerError> {
        let (progress, is_done) = (Progress::new(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut seen = 0;
                while !is_done.load(Ordering::Acquire) {
                    if self.board.is_closed() {
                        progress.request_stop();
                    }
                    if progress.done() > seen {
                        seen = progress.done();
                        self.meter.is_now(DeviceState::Preparing);
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            let dataset = DeviceDataset::generate(&self.device, parameters, tables.cache.rows(), &progress);
            is_done.store(true, Ordering::Release);
            Ok(dataset?)
        })
    }

    /// The tuning remembered for the device, else the best of a short trial, else the default.
    fn tuning(&self, dataset: &Arc<DeviceDataset>, verify: &Verify) -> Tuning {
        let default = Tuning::default_for(&self.device);
        let Some(path) = &self.tuning_file else { return default };
        let file = TuningFile::new(path);
        if let Some(tuning) = file.load(&self.device) {
            return tuning;
        }
        match autotune(dataset, verify, TUNING_BUDGET, &Progress::new()) {
            Ok(best) => {
                // One that is not remembered is found again.
                let _ = file.save(&self.device, best.tuning, best.hashrate_hps);
                best.tuning
            }
            // Making the searcher says what is wrong.
            Err(_) => default,
        }
    }
}

/// Nonces that take about as long as counters may wait.
fn next_share(share: u64, took: Duration) -> u64 {
    let wanted = u128::from(share) * COUNTED_EVERY.as_nanos() / took.as_nanos().max(1);
    u64::try_from(wanted).unwrap_or(u64::MAX).clamp(share / 4, share.saturating_mul(4)).clamp(1 << 6, 1 << 40)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::board::tests::job;
    use medrec_kernels::opencl::devices;

    /// A device at work on jobs, from its thread's start to its end; what its meter says then.
    fn solved(
        device: &Device,
        is_light: bool,
        limit: Limit,
        difficulty: u128,
    ) -> crate::meter::DeviceStatistics {
        let board = Arc::new(Board::default());
        let name = device.name.clone();
        let meter = Arc::new(Meter::new(name.clone(), "opencl".to_owned(), 1));
        let (sender, mut receiver) = mpsc::channel(4);
        let (events, mut heard) = broadcast::channel(4);
        let worker = DeviceWorker {
            device: device.clone(),
            index: 3,
            board: Arc::clone(&board),
            meter: Arc::clone(&meter),
            nonces: NonceRange::partition(u64::MAX - 10, 1).remove(0),
            found: sender,
            events,
            tuning_file: None,
            is_light,
            limit,
        };
        let thread = std::thread::spawn(move || worker.run());
        for seal in 1..=5 {
            let job = job(seal, difficulty);
            board.publish(Arc::clone(&job));
            let found = receiver.blocking_recv().unwrap();
            assert!(Arc::ptr_eq(&found.job, &job) && found.device == 3, "{name}");
            assert_eq!(job.tables.cache.hashimoto(&[seal; 32], found.nonce), found.hash, "{name}");
        }
        board.close();
        thread.join().unwrap();
        assert!(heard.try_recv().is_err(), "{name}: nothing failed");
        meter.statistics()
    }

    fn every_device() -> Vec<Device> {
        let all = devices().expect("an OpenCL driver: `cargo xtask setup` installs one");
        assert!(!all.is_empty(), "an OpenCL driver with a device");
        all
    }

    #[test]
    fn every_opencl_device_solves_jobs_and_goes_home() {
        for device in every_device() {
            for is_light in [false, true] {
                assert!(solved(&device, is_light, Limit::new(None), 1_000).hashes > 0, "{}", device.name);
            }
        }
    }

    #[test]
    fn an_opencl_device_that_is_held_back_is_no_faster_than_it_may_be() {
        let device = every_device().remove(0);
        let started = Instant::now();
        // Two thousand hashes: four seconds, and less than one where nothing holds it back.
        let hashes = solved(&device, true, Limit::new(Some(500)), 400).hashes;
        // A quarter of a second's worth may be ahead of the clock.
        let allowed = 500.0 * (started.elapsed().as_secs_f64() + 0.25);
        let done = f64::from(u32::try_from(hashes).unwrap());
        assert!(done <= allowed, "{hashes} hashes, {allowed} allowed");
    }

    #[test]
    fn shares_settle_at_half_a_second() {
        assert_eq!(next_share(1 << 20, Duration::from_millis(500)), 1 << 20);
        assert_eq!(next_share(1 << 20, Duration::from_millis(1)), 1 << 22, "by a factor of four at most");
        assert_eq!(next_share(1 << 20, Duration::from_mins(1)), 1 << 18);
    }
}
