//! Discrete Gaussian noise against its exact distribution, and its scale against its budget.

use proptest::prelude::*;

use super::super::NoiseSpec;
use super::super::statistics::{assert_follows, assert_uncorrelated, drawn, floats, gaussian_of};
use super::*;

fn weight(sigma: f64) -> impl Fn(i64) -> f64 {
    move |x| (-f64::from(i32::try_from(x).unwrap()).powi(2) / (2.0 * sigma * sigma)).exp()
}

/// False-alarm rate below 1e-6 for each of the three scales; seeded.
#[test]
fn draws_follow_the_exact_distribution_at_small_and_large_scales() {
    for (seed, sigma) in [(1, 0.5), (2, 3.0), (3, 50.0)] {
        assert_follows(&drawn(&gaussian_of(sigma, 1), 20_000, seed), weight(sigma));
    }
}

/// False-alarm rate below 1e-6; seeded.
#[test]
fn neighbouring_integers_of_a_vector_are_independent() {
    let noise = floats(&drawn(&gaussian_of(50.0, 1), 10_001, 4));
    assert_uncorrelated(&noise[1..], &noise[..10_000]);
    let squares: Vec<f64> = noise.iter().map(|x| x * x).collect();
    assert_uncorrelated(&squares[1..], &squares[..10_000]);
}

#[test]
fn moments_are_those_of_the_discrete_distribution() {
    for sigma in [0.2, 0.5, 1.0, 3.0, 3.9] {
        let weights: Vec<(f64, f64)> =
            (-200..=200).map(|x| (f64::from(i32::try_from(x).unwrap()), weight(sigma)(x))).collect();
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let moment = |power| weights.iter().map(|(x, weight)| x.powi(power) * weight).sum::<f64>() / total;
        let (variance, kurtosis) = moments(sigma);
        assert!((variance / moment(2) - 1.0).abs() < 1e-12, "sigma {sigma}");
        let expected = moment(4) / moment(2).powi(2) - 3.0;
        assert!((kurtosis - expected).abs() <= 1e-9 * expected.abs().max(1.0), "sigma {sigma}");
    }
    // Where sums over integers equal integrals.
    assert!((moments(3.999_999).0 - moments(4.0).0).abs() < 1e-4);
    assert!(moments(3.999_999).1.abs() < 1e-9);
}

proptest! {
    #[test]
    fn the_scale_is_enough_by_opendps_map_and_hardly_more(l2_squared in 1_u128..1_u128 << 90, top in 1_u64..1_000_000, bottom in 1_u64..1_000_000) {
        let rho = Rho::from_ratio(top, bottom).unwrap();
        let Ok(spec) = NoiseSpec::gaussian(l2_squared, &rho, 1) else {
            // Only noise beyond 2^50 is refused.
            prop_assert!(l2_squared > 1 << 70);
            return Ok(());
        };
        prop_assert!(map(&spec.scale, l2_squared).unwrap() <= spec.rho);
        prop_assert!(spec.rho <= rho);
        let exact = Rho::from_integers(l2_squared.into(), 1_u8.into()).unwrap();
        let (scale_top, scale_bottom) = (spec.scale.numerator(), spec.scale.denominator());
        let square = Rho::from_integers(scale_top * scale_top * 2_u8, scale_bottom * scale_bottom).unwrap();
        // l2^2 <= 2 sigma^2 rho <= l2^2 (1 + 2^-20)
        let product = Rho::from_integers(square.numerator() * rho.numerator(), square.denominator() * rho.denominator()).unwrap();
        prop_assert!(product >= exact);
        prop_assert!(product <= &exact + &exact.scaled(1, 1 << 20).unwrap());
    }
}
