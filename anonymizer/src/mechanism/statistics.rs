//! For tests: seeded draws through the generator's door, and tests of distributions with stated false-alarm rates.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::NoiseSpec;
use super::draw::sample;

/// Integers drawn on this thread from a seeded source.
pub(super) fn drawn(spec: &NoiseSpec, length: usize, seed: u64) -> Vec<i64> {
    let mut source = ChaCha20Rng::seed_from_u64(seed);
    generator::door::with_source(move |bytes| source.fill_bytes(bytes), || sample(spec, length).unwrap())
}

/// A spec whose scale is as close above `scale` as specs come.
pub(super) fn gaussian_of(sigma: f64, length: usize) -> NoiseSpec {
    NoiseSpec::gaussian(1, &inverse(2.0 * sigma * sigma), length).unwrap()
}

/// As [`gaussian_of`].
pub(super) fn laplace_of(b: f64, length: usize) -> NoiseSpec {
    NoiseSpec::laplace(1, &inverse(b), length).unwrap()
}

fn inverse(value: f64) -> medrec_domain::Rho {
    let value = medrec_domain::Rho::exact(value).unwrap();
    medrec_domain::Rho::from_integers(value.denominator().clone(), value.numerator().clone()).unwrap()
}

/// Fails when `drawn` does not follow `weight` (not normalised, even): a chi-square test over the integers, the tails merged.
///
/// False-alarm rate below 1e-6.
pub(super) fn assert_follows(drawn: &[i64], weight: impl Fn(i64) -> f64) {
    let reach = (1..1_000_000).take_while(|&x| weight(x) > weight(0) * 1e-18).last().unwrap_or(1);
    let total: f64 = (-reach..=reach).map(&weight).sum();
    let expected = |x: i64| length_of(drawn) * weight(x) / total;
    let inner = (0..=reach).take_while(|&x| expected(x) >= 10.0).last().expect("enough integers are drawn");
    let mut statistic = 0.0;
    let mut bins = 0_u32;
    let mut add = |count: usize, expected: f64| {
        if expected > 0.5 {
            statistic += (f64::from(u32::try_from(count).unwrap()) - expected).powi(2) / expected;
            bins += 1;
        }
    };
    for x in -inner..=inner {
        add(drawn.iter().filter(|&&value| value == x).count(), expected(x));
    }
    let tail: f64 = (inner + 1..=reach).map(expected).sum();
    add(drawn.iter().filter(|&&value| value < -inner).count(), tail);
    add(drawn.iter().filter(|&&value| value > inner).count(), tail);
    let limit = chi_square_limit(f64::from(bins - 1));
    assert!(statistic < limit, "chi-square {statistic} of {bins} bins passes {limit}");
}

/// What a chi-square variable passes less than once in a million times (Wilson and Hilferty's approximation at
/// 5.2 standard deviations, which is once in ten million).
fn chi_square_limit(freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + 5.2 * spread.sqrt()).powi(3)
}

/// Fails when two sequences are correlated: Fisher's z beyond 5 passes by chance less than once in 1.7e6 times.
pub(super) fn assert_uncorrelated(left: &[f64], right: &[f64]) {
    let z = fisher_z(left, right);
    assert!(z.abs() < 5.0, "correlated: z is {z}");
}

/// Fisher's z of the correlation of two sequences, in standard deviations; 0 when one is constant.
pub(super) fn fisher_z(left: &[f64], right: &[f64]) -> f64 {
    let count = f64::from(u32::try_from(left.len().min(right.len())).unwrap());
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (left_mean, right_mean) = (mean(left), mean(right));
    let products: f64 = left.iter().zip(right).map(|(l, r)| (l - left_mean) * (r - right_mean)).sum();
    let square = |values: &[f64], mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let norm = (square(left, left_mean) * square(right, right_mean)).sqrt();
    if norm == 0.0 {
        0.0
    } else {
        (products / norm).clamp(-0.999_999, 0.999_999).atanh() * (count - 3.0).sqrt()
    }
}

/// The integers as `f64`.
pub(super) fn floats(integers: &[i64]) -> Vec<f64> {
    integers.iter().map(|&integer| f64::from(i32::try_from(integer).unwrap())).collect()
}

fn length_of(values: &[i64]) -> f64 {
    f64::from(u32::try_from(values.len()).unwrap())
}

#[test]
fn the_tests_of_distributions_refute_a_distribution_that_is_a_little_off() {
    let drawn = drawn(&gaussian_of(3.0, 1), 20_000, 1);
    let off = std::panic::catch_unwind(|| {
        assert_follows(&drawn, |x| (-f64::from(i32::try_from(x * x).unwrap()) / (2.0 * 3.2 * 3.2)).exp());
    });
    assert!(off.is_err(), "sigma 3.2 passed for sigma 3");
    let follower: Vec<f64> = floats(&drawn).iter().map(|x| 0.1 * x + (x * 12.9898).sin()).collect();
    assert!(fisher_z(&floats(&drawn), &follower).abs() > 5.0);
}
