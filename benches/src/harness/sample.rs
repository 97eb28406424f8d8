//! One timed stretch of work, and what is said about it.

use serde::{Deserialize, Serialize};

use crate::accuracy::Accuracy;
use crate::statistics::as_f64;

/// One timed stretch of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Units finished.
    pub work: u64,
    /// Time on the wall.
    pub wall_seconds: f64,
    /// Processor time of all threads together; absent for work that is not the processor's.
    pub cpu_seconds: Option<f64>,
    /// Most resident memory of the work's processes together, for work that runs in its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// How far the answer lies from the exact one, for work whose answers are noisy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
}

impl Sample {
    /// Units per second on the wall.
    pub fn rate(&self) -> f64 {
        if self.wall_seconds > 0.0 { as_f64(self.work) / self.wall_seconds } else { 0.0 }
    }

    /// Units per second as if each of `threads` threads had had its processor for itself.
    pub fn rate_per_cpu_second(&self, threads: usize) -> Option<f64> {
        let cpu_seconds = self.cpu_seconds.filter(|seconds| *seconds > 0.0)?;
        Some(as_f64(self.work) * as_f64(threads as u64) / cpu_seconds)
    }
}
