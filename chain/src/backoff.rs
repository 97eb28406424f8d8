//! Pauses that grow while something keeps failing, up to a bound.
//!
//! Why here: three loops of this room wait for nodes, and none of them may spin.

use std::time::Duration;

/// The next pause, doubled each time.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    next: Duration,
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(10))
    }
}

impl Backoff {
    /// Pauses from `first` to `longest`.
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, next: first, longest: longest.max(first) }
    }

    /// It worked: the next pause is a short one again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    /// Waits.
    pub(crate) async fn pause(&mut self) {
        let pause = self.advance();
        tokio::time::sleep(pause).await;
    }

    fn advance(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_bound_and_start_again_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(3));
        let pauses: Vec<_> = (0..4).map(|_| backoff.advance().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 3, 3]);
        backoff.reset();
        assert_eq!(backoff.advance().as_secs(), 1);
    }
}
