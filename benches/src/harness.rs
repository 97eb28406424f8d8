//! Taking samples: answers first, then warm-up, then rounds in which everybody has one turn.
//!
//! The order within a round is what makes the figures hold on a shared machine. Contenders with a limit
//! are sampled between two samples of that limit (limit, A, limit, B, limit …), and their ratio is taken
//! against the mean of the two. Everybody else simply takes turns (A B A B), so that the ratio of any
//! two contenders can be taken within a round.

mod sample;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

pub use self::sample::Sample;

use crate::accuracy::Accuracy;
use crate::error::BenchError;
use crate::noise::{NOISY_SPREAD_PERCENT, Noise, NoiseMeter, ProcessorTimes};
use crate::statistics::Summary;

/// Where a contender comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// An engine of medrec.
    Medrec,
    /// A program or library of others.
    Peer,
    /// What the machine allows at most.
    Limit,
}

/// Who is measured, doing what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The engine's name (`avx512`, `chfast ethash 1.1.0`).
    pub engine: String,
    /// Whose it is.
    pub origin: Origin,
    /// What it does (`search`, `keccak-256`, `light-cache` …).
    pub measure: String,
    /// One unit of work (`hash`, `item`, `row`).
    pub unit: String,
    /// Threads that work at the same time; 1 for a graphics device.
    pub threads: usize,
    /// The pages of the memory that is read: `huge`, `4k` or `device`; absent where it does not matter.
    pub pages: Option<String>,
}

impl Identity {
    /// One line that tells this contender from all others of a run.
    pub fn label(&self) -> String {
        let pages = self.pages.as_ref().map_or_else(String::new, |pages| format!(", {pages} pages"));
        let plural = if self.threads == 1 { "" } else { "s" };
        format!("{} {}, {} thread{plural}{pages}", self.measure, self.engine, self.threads)
    }
}

/// Whoever can do the work of a definition.
pub trait Contender {
    /// Who this is.
    fn identity(&self) -> Identity;

    /// Compares answers with known ones and says which, before anything is timed.
    ///
    /// # Errors
    /// [`BenchError::WrongAnswer`] for a different answer, [`BenchError::Contender`] for none.
    fn check(&mut self) -> Result<String, BenchError>;

    /// Works for about `seconds` (work that cannot be cut goes on to its end).
    ///
    /// # Errors
    /// [`BenchError::Contender`] when the work fails.
    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError>;
}

/// A contender, and the limit that it is held against.
pub struct Entry<'a> {
    /// Who is measured.
    pub contender: Box<dyn Contender + 'a>,
    /// Index of its limit among the limits of the run.
    pub limit: Option<usize>,
}

/// How much is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Rounds: samples of each contender.
    pub samples: u32,
    /// Length of one sample.
    pub sample_seconds: f64,
    /// Length of the sample before the first that counts.
    pub warm_up_seconds: f64,
}

impl Plan {
    fn validate(&self) -> Result<(), BenchError> {
        if self.samples == 0 {
            return Err(BenchError::Plan { reason: "at least one sample is needed" });
        }
        if !(self.sample_seconds > 0.0 && self.sample_seconds.is_finite()) {
            return Err(BenchError::Plan { reason: "samples must take more than 0 seconds" });
        }
        if !(self.warm_up_seconds >= 0.0 && self.warm_up_seconds.is_finite()) {
            return Err(BenchError::Plan { reason: "the warm-up cannot take less than 0 seconds" });
        }
        Ok(())
    }
}

/// One sample with what it says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// The round it was taken in, from 0.
    pub round: u32,
    /// The sample as taken.
    #[serde(flatten)]
    pub sample: Sample,
    /// Units per second on the wall.
    pub rate: f64,
    /// Mean of the limit's samples just before and after.
    pub limit_rate: Option<f64>,
    /// `rate` divided by `limit_rate`.
    pub ratio_to_limit: Option<f64>,
}

/// All that was measured of one contender.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Who.
    #[serde(flatten)]
    pub identity: Identity,
    /// Which answers were compared before the timing.
    pub checked: String,
    /// Units per second on the wall.
    pub rate: Summary,
    /// Units per second as if each thread had had a processor for itself.
    pub rate_per_cpu_second: Option<Summary>,
    /// The paired ratios to the limit, for contenders that have one.
    pub ratio_to_limit: Option<Summary>,
    /// The largest peak of the samples, for work that runs in its own processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// Mean of the samples' accuracy, for work whose answers are noisy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
    /// Whether the samples spread too far to be trusted.
    pub is_noisy: bool,
    /// Every sample.
    pub samples: Vec<SampleRecord>,
}

/// What happens during a run, for whoever shows it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// Answers are being compared.
    Checking(&'e Identity),
    /// A warm-up or a sample begins; `round` is absent for the warm-up.
    Sampling {
        /// Whose turn it is.
        identity: &'e Identity,
        /// The round, from 0.
        round: Option<u32>,
        /// Rounds in all.
        rounds: u32,
    },
    /// A sample is finished.
    Sampled {
        /// Whose it is.
        identity: &'e Identity,
        /// Units per second on the wall.
        rate: f64,
    },
}

/// The result of a run: limits first, then contenders, each in the order given.
#[derive(Debug)]
pub struct Outcome {
    /// One measurement for each limit and each entry.
    pub measurements: Vec<Measurement>,
    /// How quiet the machine was.
    pub noise: Noise,
}

/// Checks, warms up and samples `limits` and `entries` in turns.
///
/// `stop` ends the run between two samples.
///
/// # Errors
/// [`BenchError::Plan`], [`BenchError::Stopped`], and whatever a contender reports.
pub fn run(
    limits: Vec<Box<dyn Contender + '_>>,
    entries: Vec<Entry<'_>>,
    plan: &Plan,
    stop: &AtomicBool,
    observe: &mut dyn FnMut(&Event<'_>),
) -> Result<Outcome, BenchError> {
    plan.validate()?;
    let mut limits: Vec<Track<'_>> = limits.into_iter().map(Track::new).collect();
    let mut tracks: Vec<(Track<'_>, Option<usize>)> =
        entries.into_iter().map(|entry| (Track::new(entry.contender), entry.limit)).collect();
    let mut session = Session { plan, stop, observe, meter: NoiseMeter::default() };

    for track in limits.iter_mut().chain(tracks.iter_mut().map(|(track, _)| track)) {
        session.prepare(track)?;
    }
    for round in 0..plan.samples {
        session.round(round, &mut limits, &mut tracks)?;
    }

    let mut noise = session.meter.report();
    noise.judge();
    let measurements: Vec<Measurement> = limits
        .into_iter()
        .chain(tracks.into_iter().map(|(track, _)| track))
        .filter_map(Track::into_measurement)
        .collect();
    noise.warnings.extend(measurements.iter().filter(|measurement| measurement.is_noisy).map(|noisy| {
        format!("{}: samples spread over {:.1} %", noisy.identity.label(), noisy.rate.spread_percent)
    }));
    Ok(Outcome { measurements, noise })
}

struct Track<'a> {
    contender: Box<dyn Contender + 'a>,
    identity: Identity,
    checked: String,
    samples: Vec<SampleRecord>,
}

impl<'a> Track<'a> {
    fn new(contender: Box<dyn Contender + 'a>) -> Self {
        let identity = contender.identity();
        Self { contender, identity, checked: String::new(), samples: Vec::new() }
    }

    fn into_measurement(self) -> Option<Measurement> {
        let rates: Vec<f64> = self.samples.iter().map(|sample| sample.rate).collect();
        let per_cpu_second: Option<Vec<f64>> = self
            .samples
            .iter()
            .map(|record| record.sample.rate_per_cpu_second(self.identity.threads))
            .collect();
        let ratios: Vec<f64> = self.samples.iter().filter_map(|sample| sample.ratio_to_limit).collect();
        let accuracies: Vec<Accuracy> =
            self.samples.iter().filter_map(|record| record.sample.accuracy).collect();
        let rate = Summary::of(&rates)?;
        Some(Measurement {
            peak_memory_bytes: self.samples.iter().filter_map(|record| record.sample.peak_memory_bytes).max(),
            accuracy: Accuracy::mean(&accuracies),
            identity: self.identity,
            checked: self.checked,
            rate,
            rate_per_cpu_second: per_cpu_second.and_then(|values| Summary::of(&values)),
            ratio_to_limit: Summary::of(&ratios),
            is_noisy: rate.spread_percent > NOISY_SPREAD_PERCENT,
            samples: self.samples,
        })
    }
}

struct Session<'s> {
    plan: &'s Plan,
    stop: &'s AtomicBool,
    observe: &'s mut dyn FnMut(&Event<'_>),
    meter: NoiseMeter,
}

impl Session<'_> {
    fn prepare(&mut self, track: &mut Track<'_>) -> Result<(), BenchError> {
        self.continue_or_stop()?;
        (self.observe)(&Event::Checking(&track.identity));
        track.checked = track.contender.check()?;
        if self.plan.warm_up_seconds > 0.0 {
            let (identity, rounds) = (&track.identity, self.plan.samples);
            (self.observe)(&Event::Sampling { identity, round: None, rounds });
            track.contender.sample(self.plan.warm_up_seconds)?;
        }
        Ok(())
    }

    /// One round: each limit with its contenders between its samples, then those without a limit.
    fn round(
        &mut self,
        round: u32,
        limits: &mut [Track<'_>],
        tracks: &mut [(Track<'_>, Option<usize>)],
    ) -> Result<(), BenchError> {
        for (index, limit) in limits.iter_mut().enumerate() {
            let mut before = self.take(round, limit, None)?;
            for (track, _) in tracks.iter_mut().filter(|(_, limit)| *limit == Some(index)) {
                self.take(round, track, None)?;
                let after = self.take(round, limit, None)?;
                if let Some(record) = track.samples.last_mut() {
                    let limit_rate = f64::midpoint(before, after);
                    record.limit_rate = Some(limit_rate);
                    record.ratio_to_limit = (limit_rate > 0.0).then(|| record.rate / limit_rate);
                }
                before = after;
            }
        }
        for (track, _) in tracks.iter_mut().filter(|(_, limit)| limit.is_none()) {
            self.take(round, track, None)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        round: u32,
        track: &mut Track<'_>,
        limit_rate: Option<f64>,
    ) -> Result<f64, BenchError> {
        self.continue_or_stop()?;
        let identity = &track.identity;
        (self.observe)(&Event::Sampling { identity, round: Some(round), rounds: self.plan.samples });
        let before = ProcessorTimes::read();
        let sample = track.contender.sample(self.plan.sample_seconds)?;
        self.meter.add(before, ProcessorTimes::read(), sample.cpu_seconds.unwrap_or(0.0));
        let rate = sample.rate();
        (self.observe)(&Event::Sampled { identity, rate });
        track.samples.push(SampleRecord { round, sample, rate, limit_rate, ratio_to_limit: None });
        Ok(rate)
    }

    fn continue_or_stop(&self) -> Result<(), BenchError> {
        if self.stop.load(Ordering::Relaxed) { Err(BenchError::Stopped) } else { Ok(()) }
    }
}

/// Processor time that the calling thread has used so far.
pub fn thread_cpu_time() -> Duration {
    clock(ClockId::ThreadCPUTime)
}

/// Processor time that all threads of the process together have used so far, in seconds.
pub fn process_cpu_seconds() -> f64 {
    clock(ClockId::ProcessCPUTime).as_secs_f64()
}

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0))
}

/// Runs `work` on `threads` threads until `seconds` have passed, and adds up what they report.
///
/// `work(thread, deadline)` returns the units that it finished. Rates of threads that end at different
/// moments are still those of the whole: the wall time is that of the slowest.
///
/// # Errors
/// The first error of a thread.
pub fn on_threads<F>(threads: usize, seconds: f64, work: F) -> Result<Sample, BenchError>
where
    F: Fn(usize, Instant) -> Result<u64, BenchError> + Sync,
{
    let start = Instant::now();
    let deadline = start + Duration::from_secs_f64(seconds);
    let measured = |thread: usize| {
        let before = thread_cpu_time();
        let units = work(thread, deadline)?;
        Ok((units, thread_cpu_time().saturating_sub(before)))
    };
    let results: Vec<Result<(u64, Duration), BenchError>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (1..threads).map(|thread| scope.spawn(move || measured(thread))).collect();
        let first = measured(0);
        std::iter::once(first)
            .chain(handles.into_iter().map(|handle| {
                handle.join().unwrap_or_else(|_| {
                    let reason = "a worker thread panicked".to_owned();
                    Err(BenchError::Contender { contender: "worker".to_owned(), reason })
                })
            }))
            .collect()
    });
    let wall_seconds = start.elapsed().as_secs_f64();
    let mut total = Sample { wall_seconds, ..Sample::default() };
    let mut cpu = Duration::ZERO;
    for result in results {
        let (units, used) = result?;
        total.work += units;
        cpu += used;
    }
    total.cpu_seconds = Some(cpu.as_secs_f64());
    Ok(total)
}
