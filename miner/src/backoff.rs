//! Pauses that grow while something keeps failing, up to a bound, and never beat in time with those of others.
//!
//! Why here: nodes, submissions and devices are all tried again, and none of these loops may spin. Jitter comes from
//! the operating system: many miners that lost the same node must not come back at the same instant.

use std::time::Duration;

/// The next pause, doubled each time.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Pauses from about `first` to about `longest`.
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, next: first, longest }
    }

    /// It worked: the next pause is a short one again.
    pub(crate) const fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next pause: between half of its nominal length and all of it.
    pub(crate) fn advance(&mut self) -> Duration {
        let nominal = self.next;
        self.next = nominal.saturating_mul(2).min(self.longest);
        // Without random bits there is no jitter; pauses still grow.
        let share = getrandom::u32().unwrap_or(u32::MAX);
        nominal / 2 + (nominal / 2).mul_f64(f64::from(share) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_bound_within_their_jitter_and_start_again_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(3));
        for nominal in [1, 2, 3, 3] {
            let pause = backoff.advance();
            let nominal = Duration::from_secs(nominal);
            assert!(nominal / 2 <= pause && pause <= nominal, "{pause:?} of {nominal:?}");
        }
        backoff.reset();
        assert!(backoff.advance() <= Duration::from_secs(1));
    }
}
