//! From samples to a median with its spread.
//!
//! Medians, because a virtual machine loses whole time slices now and then: such a sample says
//! something about the neighbours, not about the code, and must not move the result.

use serde::{Deserialize, Serialize};

/// What a set of samples comes down to. All figures are in the unit of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The middle sample (mean of the two middle ones for an even count).
    pub median: f64,
    /// The smallest sample.
    pub minimum: f64,
    /// The largest sample.
    pub maximum: f64,
    /// Median absolute deviation from the median.
    pub median_absolute_deviation: f64,
    /// (maximum - minimum) / median, in per cent; 0 when the median is 0.
    pub spread_percent: f64,
}

impl Summary {
    /// Summarises `values`; `None` when there are none or one is not finite.
    pub fn of(values: &[f64]) -> Option<Self> {
        let median = median(values)?;
        let deviations: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
        let minimum = values.iter().copied().fold(f64::INFINITY, f64::min);
        let maximum = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self {
            median,
            minimum,
            maximum,
            median_absolute_deviation: self::median(&deviations)?,
            spread_percent: if median == 0.0 { 0.0 } else { 100.0 * (maximum - minimum) / median.abs() },
        })
    }
}

/// The median of `values`; `None` when there are none or one is not finite.
pub fn median(values: &[f64]) -> Option<f64> {
    if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    Some(if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    })
}

/// The median of the paired ratios `numerators[i] / denominators[i]`.
///
/// Samples of one index were taken next to each other, so what disturbed one disturbed the other and
/// cancels out. Pairs with a denominator of 0 or less are left out.
pub fn median_ratio(numerators: &[f64], denominators: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> =
        numerators.iter().zip(denominators).filter(|(_, d)| **d > 0.0).map(|(n, d)| n / d).collect();
    median(&ratios)
}

/// A count as a floating-point number, for rates.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of work stay far below 2^53, and a rate needs fewer digits than that"
)]
pub const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_an_odd_and_an_even_count() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[7.0]), Some(7.0));
    }

    #[test]
    fn nothing_and_infinity_have_no_median() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1.0, f64::INFINITY]), None);
        assert_eq!(Summary::of(&[f64::NAN]), None);
    }

    #[test]
    fn one_stolen_time_slice_does_not_move_the_median() {
        let summary = Summary::of(&[100.0, 101.0, 99.0, 12.0, 100.0]).unwrap();
        assert!((summary.median - 100.0).abs() < 1e-12);
        assert!((summary.median_absolute_deviation - 1.0).abs() < 1e-12);
        assert!((summary.spread_percent - 89.0).abs() < 1e-12);
        assert!((summary.minimum - 12.0).abs() < 1e-12 && (summary.maximum - 101.0).abs() < 1e-12);
    }

    #[test]
    fn paired_ratios_cancel_a_slow_minute() {
        let ratio = median_ratio(&[90.0, 45.0, 9.0], &[100.0, 50.0, 10.0]).unwrap();
        assert!((ratio - 0.9).abs() < 1e-12);
        assert_eq!(median_ratio(&[1.0], &[0.0]), None);
    }
}
