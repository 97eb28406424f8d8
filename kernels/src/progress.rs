//! How long work reports itself and is stopped.
//!
//! The kernels never draw a progress bar: they add to two counters that anybody may read, and look
//! at one flag that anybody may set. All three are safe to share between threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared counters of one long task, and its stop flag.
///
/// Units are those of the task: 64-byte items for a dataset, rows for a light cache, nonces for a
/// search.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    /// A progress with nothing done, nothing to do and no stop asked for.
    pub const fn new() -> Self {
        Self { done: AtomicU64::new(0), total: AtomicU64::new(0), stop: AtomicBool::new(false) }
    }

    /// Units finished so far.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Units to do in all; 0 until the task has started, and for tasks without an end.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Starts a task of `total` units of which `done` are finished already (work resumed from disk).
    pub fn start(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    /// Adds finished units.
    pub fn add(&self, units: u64) {
        self.done.fetch_add(units, Ordering::Relaxed);
    }

    /// Asks the task to stop at its next check.
    pub fn request_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked the task to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
