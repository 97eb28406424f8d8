//! Holds a device back: no more hashes a second than it may, on average and over any short while.
//!
//! Arithmetic of times; who waits and how is told elsewhere.

use std::time::{Duration, Instant};

/// Parts of a second whose hashes are asked for at once.
const SHARES_PER_SECOND: u64 = 4;
/// The fewest nonces worth a launch.
const SMALLEST_SHARE: u64 = 1 << 6;

/// How fast a device may be, and what it has used of that.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    limit_hps: Option<u64>,
    free_at: Option<Instant>,
}

impl Limit {
    /// At most this many hashes a second; `None`: as fast as it can.
    pub(crate) const fn new(limit_hps: Option<u64>) -> Self {
        Self { limit_hps, free_at: None }
    }

    /// How long it has to wait from `now` on.
    pub(crate) fn pause(&self, now: Instant) -> Duration {
        self.free_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    /// As many of `wanted` nonces as may be searched at once.
    pub(crate) fn share(&self, wanted: u64) -> u64 {
        match self.limit_hps {
            Some(limit) => wanted.min((limit / SHARES_PER_SECOND).max(SMALLEST_SHARE)),
            None => wanted,
        }
    }

    /// It hashed so much, in a search that began at `started`.
    pub(crate) fn hashed(&mut self, hashes: u64, started: Instant) {
        let Some(limit) = self.limit_hps else { return };
        let nanoseconds = u128::from(hashes) * 1_000_000_000 / u128::from(limit.max(1));
        let took = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        // Time that nobody used is not saved up.
        let from = self.free_at.map_or(started, |at| at.max(started));
        self.free_at = from.checked_add(took).or(self.free_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_paid_for_in_time_and_idle_time_is_not_saved_up() {
        let start = Instant::now();
        let mut limit = Limit::new(Some(1_000));
        assert_eq!((limit.pause(start), limit.share(1 << 20), limit.share(7)), (Duration::ZERO, 250, 7));
        limit.hashed(250, start);
        assert_eq!(limit.pause(start), Duration::from_millis(250));
        // The next one began before the first was paid for, as at a change of work.
        limit.hashed(100, start + Duration::from_millis(10));
        assert_eq!(limit.pause(start + Duration::from_millis(50)), Duration::from_millis(300));
        let later = start + Duration::from_mins(1);
        assert_eq!(limit.pause(later), Duration::ZERO);
        limit.hashed(250, later);
        assert_eq!(limit.pause(later), Duration::from_millis(250));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let mut limit = Limit::new(None);
        limit.hashed(u64::MAX, Instant::now());
        assert_eq!((limit.pause(Instant::now()), limit.share(1 << 20)), (Duration::ZERO, 1 << 20));
        assert_eq!(Limit::new(Some(1)).share(1 << 20), SMALLEST_SHARE);
    }
}
