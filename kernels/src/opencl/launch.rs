//! How much work one launch gets: enough to keep the device busy, little enough that nobody waits.
//!
//! Arithmetic only; what is launched is told elsewhere. A launch that lasts long starves a desktop on
//! the same device, trips drivers' watchdogs and delays new work; one that is short leaves the device idle
//! between launches.

use std::time::Duration;

/// How long a launch should take: long against the 10-50 microseconds that starting one costs, short
/// against a block time of seconds and a display driver's watchdog of 2 s.
pub(super) const TARGET_LAUNCH: Duration = Duration::from_millis(100);
/// A size never grows faster than this from one launch to the next: the first launches are measured when
/// clocks are still low.
const MAX_GROWTH: f64 = 4.0;

/// The size of the next launch, from how long the last ones took.
#[derive(Debug, Clone)]
pub(super) struct LaunchSize {
    quantum: u64,
    units: f64,
    target_seconds: f64,
}

impl LaunchSize {
    /// Starts with one `quantum` (what fills the device once), aiming at launches of `target`.
    pub(super) fn new(quantum: u64, target: Duration) -> Self {
        Self { quantum, units: float(quantum), target_seconds: target.as_secs_f64() }
    }

    /// Units for the next launch: a multiple of the quantum, at most `limit` rounded up to a quantum, at most
    /// `remaining`.
    pub(super) fn next(&self, limit: f64, remaining: u64) -> u32 {
        let quanta = (self.units.min(limit) / float(self.quantum)).max(1.0);
        let units = whole(quanta).saturating_mul(self.quantum).min(remaining);
        // Kernels count in 32 bits, with room for rounding up to whole groups.
        u32::try_from(units).unwrap_or(u32::MAX).min(1 << 30)
    }

    /// Learns that a launch of `units` took `seconds`.
    pub(super) fn measured(&mut self, units: u32, seconds: f64) {
        let wanted = f64::from(units) * self.target_seconds / seconds.max(1e-9);
        let floor = float(self.quantum);
        self.units = wanted.clamp(floor, (self.units * MAX_GROWTH).max(floor)).min(f64::from(1 << 30));
    }
}

/// Expected hashes for one solution: 2^256 / (boundary + 1), from the boundary's leading 64 bits that are
/// not zero.
pub(super) fn expected_hashes(boundary: &[u8; 32]) -> f64 {
    let value = boundary.iter().fold(0.0, |value: f64, byte| value * 256.0 + f64::from(*byte));
    (256.0_f64.exp2() / (value + 1.0)).max(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "sizes and rates; 53 bits are plenty")]
pub(super) const fn float(value: u64) -> f64 {
    value as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturating conversion is what is wanted"
)]
pub(super) const fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_settle_at_the_target_time() {
        let mut size = LaunchSize::new(1024, Duration::from_millis(100));
        for _ in 0..20 {
            let units = size.next(f64::INFINITY, u64::MAX);
            size.measured(units, f64::from(units) / 1e8);
        }
        let units = f64::from(size.next(f64::INFINITY, u64::MAX));
        assert!((units - 1e7).abs() <= 1024.0, "{units} units for 100 ms at 1e8 a second");
    }

    #[test]
    fn launches_shrink_at_low_difficulty_and_never_pass_what_remains() {
        let mut size = LaunchSize::new(1024, Duration::from_millis(100));
        (0..20).for_each(|_| size.measured(1 << 20, 1e-3));
        assert_eq!(size.next(10_000.0, u64::MAX), 9 * 1024);
        assert_eq!(size.next(3.0, u64::MAX), 1024);
        assert_eq!(size.next(f64::INFINITY, 77), 77);
        assert!(size.next(f64::INFINITY, u64::MAX) <= 1 << 30);
    }

    #[test]
    fn expected_hashes_are_the_difficulty() {
        assert!((expected_hashes(&[0xff; 32]) - 1.0).abs() < 1e-9);
        let mut boundary = [0xff; 32];
        boundary[..2].copy_from_slice(&[0, 0]);
        assert!((expected_hashes(&boundary) - 65536.0).abs() < 1.0);
        assert!(expected_hashes(&[0; 32]) > 1e76);
    }
}
