//! A short search for the best tuning of a device.
//!
//! One size is varied at a time, the one with the largest effect first; the best value is kept before
//! the next is varied. Each candidate's answers are checked (making a searcher compares hashes with the CPU): a
//! fast wrong kernel is worth nothing. Remembering the outcome is the business of `tuning_file.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dataset::DeviceDataset;
use super::device::{Device, DeviceKind};
use super::error::OpenClError;
use super::request::{SearcherOptions, Verify};
use super::searcher::OpenClSearcher;
use super::tuning::{Exchange, GroupTuning, Tuning, VectorTuning};
use crate::progress::Progress;

/// Hashing time of one candidate. Launches of 20 ms repeat within about 1 % on an idle device.
const SAMPLE_SECONDS: f64 = 0.1;
const LAUNCH: Duration = Duration::from_millis(20);

/// What one candidate did.
#[derive(Debug)]
pub struct Trial {
    /// The candidate.
    pub tuning: Tuning,
    /// Its hashrate, or why it cannot be used (wrong answers, a refusal of the driver).
    pub hashrate_hps: Result<f64, OpenClError>,
}

/// What a search for the best tuning found.
#[derive(Debug)]
pub struct Autotuned {
    /// The fastest tuning whose answers are right.
    pub tuning: Tuning,
    /// Its hashrate.
    pub hashrate_hps: f64,
    /// Every candidate tried, in order.
    pub trials: Vec<Trial>,
}

/// Finds the best tuning over `dataset`, trying no new candidate after `budget` or a stop.
///
/// `progress` counts candidates.
///
/// # Errors
/// When not even the default tuning works: why.
pub fn autotune(
    dataset: &Arc<DeviceDataset>,
    verify: &Verify,
    budget: Duration,
    progress: &Progress,
) -> Result<Autotuned, OpenClError> {
    let device = dataset.context().device().clone();
    let deadline = Instant::now() + budget;
    let first = Tuning::default_for(&device);
    let hashrate_hps = measure(dataset, first, verify)?;
    let trials = vec![Trial { tuning: first, hashrate_hps: Ok(hashrate_hps) }];
    let mut best = Autotuned { tuning: first, hashrate_hps, trials };
    let steps = steps();
    progress.start(1, 0);
    for step in steps {
        for tuning in step(best.tuning, &device) {
            if Instant::now() >= deadline || progress.is_stopped() {
                return Ok(best);
            }
            let is_new = best.trials.iter().all(|trial| trial.tuning != tuning);
            if !is_new || tuning.check(&device).is_err() {
                continue;
            }
            let hashrate_hps = measure(dataset, tuning, verify);
            progress.add(1);
            if let Ok(hashrate_hps) = hashrate_hps
                && hashrate_hps > best.hashrate_hps
            {
                (best.tuning, best.hashrate_hps) = (tuning, hashrate_hps);
            }
            best.trials.push(Trial { tuning, hashrate_hps });
        }
    }
    Ok(best)
}

fn measure(dataset: &Arc<DeviceDataset>, tuning: Tuning, verify: &Verify) -> Result<f64, OpenClError> {
    let options = SearcherOptions { launch_target: LAUNCH, ..SearcherOptions::default() };
    OpenClSearcher::over(Arc::clone(dataset), tuning, Arc::clone(verify), options)?
        .measure_hashrate_hps(SAMPLE_SECONDS)
}

/// Variations of the best tuning so far.
type Step = fn(Tuning, &Device) -> Vec<Tuning>;

const fn steps() -> [Step; 5] {
    [kernels, exchanges, shapes, work_groups, register_limits]
}

/// A CPU device usually wants the vector kernel, and a GPU the other; an unknown device may want either.
fn kernels(_: Tuning, device: &Device) -> Vec<Tuning> {
    match device.kind {
        DeviceKind::Gpu => Vec::new(),
        _ => vec![
            Tuning::Vector(VectorTuning { work_group: 4 }),
            Tuning::Group(GroupTuning {
                lanes: 1,
                in_flight: 1,
                work_group: 8,
                exchange: Exchange::Local,
                max_registers: None,
            }),
        ],
    }
}

fn exchanges(best: Tuning, _: &Device) -> Vec<Tuning> {
    vary(best, &[Exchange::Shuffle, Exchange::Ptx], |group, exchange| GroupTuning { exchange, ..group })
}

fn shapes(best: Tuning, _: &Device) -> Vec<Tuning> {
    let shapes = [(8, 8), (8, 2), (4, 4), (4, 2), (2, 2)];
    vary(best, &shapes, |group, (lanes, in_flight)| GroupTuning { lanes, in_flight, ..group })
}

fn work_groups(best: Tuning, _: &Device) -> Vec<Tuning> {
    match best {
        Tuning::Vector(_) => {
            [1, 2, 8, 16].map(|work_group| Tuning::Vector(VectorTuning { work_group })).to_vec()
        }
        Tuning::Group(_) => {
            vary(best, &[64, 256, 32, 512], |group, work_group| GroupTuning { work_group, ..group })
        }
    }
}

/// Fewer registers than the compiler wants let more work-items run at a time, at the price of spills in Keccak.
fn register_limits(best: Tuning, _: &Device) -> Vec<Tuning> {
    let limits = [Some(80), Some(64), Some(72)];
    vary(best, &limits, |group, max_registers| GroupTuning { max_registers, ..group })
}

fn vary<T: Copy>(best: Tuning, values: &[T], change: impl Fn(GroupTuning, T) -> GroupTuning) -> Vec<Tuning> {
    match best {
        Tuning::Group(group) => values.iter().map(|value| Tuning::Group(change(group, *value))).collect(),
        Tuning::Vector(_) => Vec::new(),
    }
}
