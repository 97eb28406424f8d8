//! How long to wait before the node is asked again.
//!
//! A fiftieth of the time between blocks, as it was lately: then polling costs about one per cent of stale work. Never
//! more often than the node can answer, never less often than twice a second. While notifications arrive, they set the
//! pace and polls are only a safety net.

use std::time::{Duration, Instant};

/// Between two polls at the least.
pub(super) const SHORTEST: Duration = Duration::from_millis(20);
/// Between two polls at the most.
const LONGEST: Duration = Duration::from_millis(500);
/// Between two polls while notifications arrive.
const NOTIFIED: Duration = Duration::from_secs(2);
/// Notifications that stopped for this long are not relied on.
const NOTIFIED_LATELY: Duration = Duration::from_mins(1);
/// Parts of the time between blocks.
const POLLS_PER_BLOCK: u32 = 50;

/// What is known about the rhythm of blocks.
#[derive(Debug)]
pub(super) struct Pace {
    number: Option<u64>,
    changed: Instant,
    between_blocks: Duration,
    notified: Option<Instant>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { number: None, changed: now, between_blocks: Duration::from_secs(13), notified: None }
    }

    /// A work for block `number` arrived.
    pub(super) fn saw(&mut self, number: Option<u64>, now: Instant) {
        if number == self.number {
            return;
        }
        if self.number.is_some() {
            let sample = now.saturating_duration_since(self.changed).min(Duration::from_mins(5));
            self.between_blocks = (self.between_blocks * 3 + sample) / 4;
        }
        (self.number, self.changed) = (number, now);
    }

    /// A notification arrived.
    pub(super) const fn was_notified(&mut self, now: Instant) {
        self.notified = Some(now);
    }

    /// The pause before the next poll of a node that takes `latency` to answer.
    pub(super) fn pause(&self, latency: Duration, now: Instant) -> Duration {
        let is_notified = self.notified.is_some_and(|at| now.saturating_duration_since(at) < NOTIFIED_LATELY);
        if is_notified {
            return NOTIFIED;
        }
        (self.between_blocks / POLLS_PER_BLOCK).max(latency).clamp(SHORTEST, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_follow_the_rhythm_of_blocks_within_their_bounds() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let quick = Duration::from_millis(1);
        assert_eq!(pace.pause(quick, start), Duration::from_millis(260));
        let mut now = start;
        for number in 1..40 {
            now += Duration::from_millis(50);
            pace.saw(Some(number), now);
        }
        assert_eq!(pace.pause(quick, now), SHORTEST);
        assert_eq!(pace.pause(Duration::from_millis(90), now), Duration::from_millis(90), "a distant node");
        for number in 40..80 {
            now += Duration::from_mins(2);
            pace.saw(Some(number), now);
            pace.saw(Some(number), now + Duration::from_secs(1));
        }
        assert_eq!(pace.pause(quick, now), LONGEST);
    }

    #[test]
    fn notifications_make_polls_rare_until_they_stop() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.was_notified(start);
        assert_eq!(pace.pause(Duration::ZERO, start + Duration::from_secs(5)), NOTIFIED);
        assert!(pace.pause(Duration::ZERO, start + Duration::from_mins(2)) <= LONGEST);
    }
}
