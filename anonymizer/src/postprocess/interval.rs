//! 95 % confidence intervals of estimates whose noise is known.
//!
//! The noise's variance and excess kurtosis are public, so the quantile comes from the Cornish-Fisher
//! expansion to the fourth cumulant; odd cumulants vanish, since the noise is symmetric. For normal noise it is
//! 1.960 standard deviations, for one discrete Laplace 2.17 (coverage 95.3 %).

use super::tree::Spread;

/// 97.5 % quantile of the standard normal distribution.
const NORMAL: f64 = 1.959_963_984_540_054;

/// Standard deviations from the estimate to each end of its interval.
pub(super) fn quantile(kurtosis: f64) -> f64 {
    kurtosis.max(0.0).mul_add((NORMAL.powi(3) - 3.0 * NORMAL) / 24.0, NORMAL)
}

/// An interval of a count: what the noise allows, cut at zero and widened to the whole numbers.
pub(super) fn of_count(estimate: f64, spread: &Spread) -> (f64, f64) {
    let reach = quantile(spread.kurtosis) * spread.variance.sqrt();
    ((estimate - reach).ceil().max(0.0), (estimate + reach).floor().max(0.0))
}

/// The interval of a ratio by Fieller: values `t` in `[-half, half]` for which
/// `half * (above - below) - t * (above + below)` is not further from 0 than its noise allows. `above` and `below` are
/// unbiased with this spread each.
pub(super) fn of_ratio(above: f64, below: f64, half: f64, spread: &Spread) -> (f64, f64) {
    let (sum, difference) = (above + below, half * (above - below));
    // Half the kurtosis at the centre, all of it at a bound: the wider of both is taken in between.
    let reach = quantile(spread.kurtosis).powi(2) * 2.0 * spread.variance;
    let (a, b, c) = (sum * sum - reach, difference * sum, difference * difference - reach * half * half);
    let root = b * b - a * c;
    if a <= 0.0 || root < 0.0 || sum <= 0.0 {
        return (-half, half);
    }
    let (lower, upper) = ((b - root.sqrt()) / a, (b + root.sqrt()) / a);
    (lower.clamp(-half, half), upper.clamp(-half, half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_laplace_interval_covers_a_little_more_than_95_percent() {
        // P(|L| > x) = exp(-x / b), and the standard deviation is b times the root of 2.
        let coverage = 1.0 - (-quantile(3.0) * 2.0_f64.sqrt()).exp();
        assert!((0.95..0.955).contains(&coverage), "{coverage}");
        assert!((quantile(0.0) - NORMAL).abs() < 1e-12);
    }

    #[test]
    fn without_information_the_ratio_may_be_anything() {
        let spread = Spread { variance: 100.0, kurtosis: 0.0 };
        assert_eq!(of_ratio(3.0, -2.0, 50.0, &spread), (-50.0, 50.0));
        let (lower, upper) = of_ratio(30_000.0, 10_000.0, 50.0, &spread);
        assert!(lower < 25.0 && upper > 25.0 && upper - lower < 1.0, "{lower} {upper}");
    }
}
