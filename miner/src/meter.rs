//! Counters of one device, written by its workers and read by everybody.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Serialize;

/// The hashrate is that of the last so many seconds.
const WINDOW: Duration = Duration::from_secs(10);

/// What a device is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceState {
    /// It waits for work.
    Idle,
    /// It prepares its dataset.
    Preparing,
    /// It hashes from the light cache.
    Light,
    /// It searches over the dataset.
    Full,
    /// It failed, and is tried again.
    Failed,
    /// It has not answered for a long time.
    Hanging,
}

/// How a device does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceStatistics {
    /// `cpu`, or the device's name.
    pub device: String,
    /// The instruction set or the driver.
    pub engine: String,
    /// Threads, or 1 for an OpenCL device.
    pub workers: usize,
    /// What it is doing.
    pub state: DeviceState,
    /// Hashes a second, over the last ten seconds.
    pub hashrate_hps: u64,
    /// Hashes since the start.
    pub hashes: u64,
    /// Solutions that were confirmed.
    pub found: u64,
    /// Solutions that the CPU did not confirm: faulty memory or clocks.
    pub wrong: u64,
    /// What the last failure was.
    pub last_failure: Option<String>,
}

#[derive(Debug)]
struct Changing {
    state: DeviceState,
    last_failure: Option<String>,
    /// When it last gave a sign of life.
    alive: Instant,
    samples: VecDeque<(Instant, u64)>,
}

/// The counters.
#[derive(Debug)]
pub(crate) struct Meter {
    device: String,
    engine: String,
    workers: usize,
    hashes: AtomicU64,
    found: AtomicU64,
    wrong: AtomicU64,
    changing: Mutex<Changing>,
}

impl Meter {
    pub(crate) fn new(device: String, engine: String, workers: usize) -> Self {
        let now = Instant::now();
        let changing = Changing {
            state: DeviceState::Idle,
            last_failure: None,
            alive: now,
            samples: VecDeque::from([(now, 0)]),
        };
        let (hashes, found, wrong) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { device, engine, workers, hashes, found, wrong, changing: Mutex::new(changing) }
    }

    pub(crate) fn device(&self) -> &str {
        &self.device
    }

    /// Counts hashes.
    pub(crate) fn hashed(&self, hashes: u64) {
        self.hashes.fetch_add(hashes, Ordering::Relaxed);
    }

    pub(crate) fn count_found(&self) {
        self.found.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_wrong(&self) {
        self.wrong.fetch_add(1, Ordering::Relaxed);
    }

    /// Says what the device does now, which is a sign of life; what it did before.
    pub(crate) fn is_now(&self, state: DeviceState) -> DeviceState {
        let mut changing = self.changing.lock();
        changing.alive = Instant::now();
        std::mem::replace(&mut changing.state, state)
    }

    pub(crate) fn failed(&self, why: &str) {
        let mut changing = self.changing.lock();
        changing.state = DeviceState::Failed;
        changing.last_failure = Some(why.to_owned());
        changing.alive = Instant::now();
    }

    /// Marks a device that gave no sign of life for `longest` while it should be hashing; `true` the first time.
    pub(crate) fn find_hanging(&self, longest: Duration) -> bool {
        let mut changing = self.changing.lock();
        let is_busy =
            matches!(changing.state, DeviceState::Full | DeviceState::Light | DeviceState::Preparing);
        if !is_busy || changing.alive.elapsed() < longest {
            return false;
        }
        changing.state = DeviceState::Hanging;
        changing.last_failure = Some(format!("no sign of life for {} s", longest.as_secs()));
        true
    }

    /// Takes a sample for the hashrate; called about once a second.
    pub(crate) fn sample(&self, now: Instant) {
        let hashes = self.hashes.load(Ordering::Relaxed);
        let mut changing = self.changing.lock();
        changing.samples.push_back((now, hashes));
        while changing.samples.len() > 2
            && changing.samples.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW)
        {
            changing.samples.pop_front();
        }
    }

    pub(crate) fn statistics(&self) -> DeviceStatistics {
        let changing = self.changing.lock();
        DeviceStatistics {
            device: self.device.clone(),
            engine: self.engine.clone(),
            workers: self.workers,
            state: changing.state,
            hashrate_hps: rate_hps(&changing.samples),
            hashes: self.hashes.load(Ordering::Relaxed),
            found: self.found.load(Ordering::Relaxed),
            wrong: self.wrong.load(Ordering::Relaxed),
            last_failure: changing.last_failure.clone(),
        }
    }
}

fn rate_hps(samples: &VecDeque<(Instant, u64)>) -> u64 {
    let (Some((from, before)), Some((until, after))) = (samples.front(), samples.back()) else { return 0 };
    per_second(after - before, until.saturating_duration_since(*from))
}

/// `count` in `time`, a second; 0 for no time.
pub(crate) fn per_second(count: u64, time: Duration) -> u64 {
    let rate = (u128::from(count) * 1_000_000_000).checked_div(time.as_nanos());
    rate.map_or(0, |rate| u64::try_from(rate).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashrate_is_that_of_the_last_ten_seconds() {
        let start = Instant::now();
        let samples = VecDeque::from([(start, 0), (start + Duration::from_secs(2), 3_000)]);
        assert_eq!(rate_hps(&samples), 1_500);
        let meter = Meter::new("cpu".to_owned(), "scalar".to_owned(), 1);
        for second in 1..=60 {
            meter.hashed(if second <= 30 { 1_000 } else { 10 });
            meter.sample(start + Duration::from_secs(second));
        }
        assert_eq!(meter.statistics().hashrate_hps, 10);
        assert_eq!(meter.statistics().hashes, 30_300);
        assert_eq!(per_second(5, Duration::ZERO), 0);
    }

    #[test]
    fn a_device_hangs_when_it_should_hash_and_gives_no_sign_of_life() {
        let meter = Meter::new("gpu".to_owned(), "opencl".to_owned(), 1);
        assert!(!meter.find_hanging(Duration::ZERO), "one without work does not");
        meter.is_now(DeviceState::Full);
        assert!(!meter.find_hanging(Duration::from_mins(1)));
        assert!(meter.find_hanging(Duration::ZERO));
        assert!(!meter.find_hanging(Duration::ZERO), "it is told once");
        assert_eq!(meter.is_now(DeviceState::Full), DeviceState::Hanging, "until it lives again");
    }
}
