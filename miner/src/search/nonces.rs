//! The space of nonces in disjoint ranges, one a worker, from a random start.
//!
//! The start is random so that miners who share a coinbase and a work do not hash the same nonces.

/// One worker's range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NonceRange {
    first: u64,
    length: u64,
    used: u64,
}

impl NonceRange {
    /// `workers` ranges of one length, which share no nonce; `start` is the first nonce of the first.
    pub(crate) fn partition(start: u64, workers: usize) -> Vec<Self> {
        let workers = u64::try_from(workers).unwrap_or(u64::MAX).max(1);
        let length = u64::MAX / workers;
        let range = |worker: u64| Self { first: start.wrapping_add(worker * length), length, used: 0 };
        (0..workers).map(range).collect()
    }

    /// The next share of at most `count` nonces: its first, and how many. At its end the range starts again: by then the
    /// work has changed many thousand times.
    pub(crate) fn take(&mut self, count: u64) -> (u64, u64) {
        let share = self.peek(count);
        self.skip(share.1);
        share
    }

    /// The next share, which stays to be taken.
    pub(crate) fn peek(&self, count: u64) -> (u64, u64) {
        (self.first.wrapping_add(self.used), count.min(self.length - self.used))
    }

    /// Counts nonces as taken.
    pub(crate) const fn skip(&mut self, count: u64) {
        self.used = self.used.saturating_add(count);
        if self.used >= self.length {
            self.used = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_workers_are_disjoint_and_cover_the_space_whatever_the_start() {
        for start in [0, 12_345, u64::MAX - 3] {
            for workers in [1, 2, 3, 7, 64] {
                let ranges = NonceRange::partition(start, workers);
                assert_eq!(ranges.len(), workers);
                for pair in ranges.windows(2) {
                    assert_eq!(pair[1].first.wrapping_sub(pair[0].first), pair[0].length);
                }
                // The last one ends before the first begins.
                let end = ranges[workers - 1].first.wrapping_add(ranges[workers - 1].length);
                assert!(start.wrapping_sub(end) <= u64::try_from(workers).unwrap(), "{start} {workers}");
            }
        }
    }

    #[test]
    fn shares_follow_each_other_across_the_last_nonce_and_end_with_the_range() {
        let mut range = NonceRange { first: u64::MAX - 1, length: 5, used: 0 };
        assert_eq!(range.take(2), (u64::MAX - 1, 2));
        assert_eq!(range.peek(2), (0, 2));
        assert_eq!(range.take(2), (0, 2));
        assert_eq!(range.take(2), (2, 1), "no nonce of the next worker");
        assert_eq!(range.take(2), (u64::MAX - 1, 2), "and then from the start");
    }
}
