//! When an answer is handed over: at whole multiples of a time that public parameters fix.
//!
//! The exact sampler takes longer for larger noise, so an answer at the speed of the draw would tell
//! something about it. The quantum is about twice what a draw of that size takes: nearly every draw ends
//! within the first. What is left to an observer is how many quanta passed, which is the machine's load
//! and, at most, the sum of thousands of magnitudes. It knows no noise.

use std::num::NonZero;
use std::time::{Duration, Instant};

use medrec_domain::manifest::Mechanism;

use super::NoiseSpec;

/// The shortest quantum: a small draw hides in the time that everything else takes.
const SHORTEST: Duration = Duration::from_millis(20);
/// Twice what one integer takes on one slow core, in nanoseconds.
const GAUSSIAN_NS: u64 = 40_000;
const LAPLACE_NS: u64 = 20_000;
/// How often a sleeper looks whether it should stop.
const GLANCE: Duration = Duration::from_millis(20);

/// The quantum of a draw: from the lengths and kinds of its vectors and the number of its workers.
pub(super) fn quantum(specs: &[NoiseSpec], workers: NonZero<u64>) -> Duration {
    let cost = |spec: &NoiseSpec| {
        let each = if spec.mechanism == Mechanism::DiscreteLaplace { LAPLACE_NS } else { GAUSSIAN_NS };
        each.saturating_mul(u64::try_from(spec.length).unwrap_or(u64::MAX))
    };
    let total = specs.iter().map(cost).fold(0_u64, u64::saturating_add);
    Duration::from_nanos(total / workers).max(SHORTEST)
}

/// How long to wait after `elapsed`, so that a whole number of quanta, at least one, has passed.
pub(super) fn rest(elapsed: Duration, quantum: Duration) -> Duration {
    let quantum = quantum.as_nanos().max(1);
    let quanta = elapsed.as_nanos().div_ceil(quantum).max(1);
    let nanoseconds = (quanta * quantum).saturating_sub(elapsed.as_nanos());
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// Sleeps until a whole number of quanta has passed since `start`, unless stopped.
pub(super) fn wait(start: Instant, quantum: Duration, stop: &(dyn Fn() -> bool + Sync)) {
    let end = Instant::now() + rest(start.elapsed(), quantum);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stop() {
            return;
        }
        std::thread::sleep(left.min(GLANCE));
    }
}
