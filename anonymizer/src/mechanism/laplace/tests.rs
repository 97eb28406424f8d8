//! Discrete Laplace noise against its exact distribution, and its scale against its budget.

use proptest::prelude::*;

use super::super::NoiseSpec;
use super::super::statistics::{assert_follows, assert_uncorrelated, drawn, floats, laplace_of};
use super::*;

fn weight(b: f64) -> impl Fn(i64) -> f64 {
    move |x| (-f64::from(i32::try_from(x.abs()).unwrap()) / b).exp()
}

/// False-alarm rate below 1e-6 for each of the three scales; seeded.
#[test]
fn draws_follow_the_exact_distribution_at_small_and_large_scales() {
    for (seed, b) in [(1, 0.7), (2, 10.0), (3, 60.0)] {
        assert_follows(&drawn(&laplace_of(b, 1), 20_000, seed), weight(b));
    }
}

/// False-alarm rate below 1e-6; seeded.
#[test]
fn neighbouring_integers_of_a_vector_are_independent() {
    let noise = floats(&drawn(&laplace_of(50.0, 1), 10_001, 4));
    assert_uncorrelated(&noise[1..], &noise[..10_000]);
    let magnitudes: Vec<f64> = noise.iter().map(|x| x.abs()).collect();
    assert_uncorrelated(&magnitudes[1..], &magnitudes[..10_000]);
}

#[test]
fn moments_are_those_of_the_discrete_distribution() {
    for b in [0.2, 0.7, 2.0, 10.0] {
        let weights: Vec<(f64, f64)> =
            (-2000..=2000).map(|x| (f64::from(i32::try_from(x).unwrap()), weight(b)(x))).collect();
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let moment = |power| weights.iter().map(|(x, weight)| x.powi(power) * weight).sum::<f64>() / total;
        let (variance, kurtosis) = moments(b);
        assert!((variance / moment(2) - 1.0).abs() < 1e-12, "b {b}");
        assert!((kurtosis / (moment(4) / moment(2).powi(2) - 3.0) - 1.0).abs() < 1e-9, "b {b}");
    }
    assert!((moments(1e6).1 - 3.0).abs() < 1e-9);
    assert!((moments(1e6).0 / 2e12 - 1.0).abs() < 1e-9);
}

#[test]
fn a_pure_loss_of_epsilon_is_charged_as_half_its_square() {
    let spec = NoiseSpec::laplace(4, &"1/2".parse().unwrap(), 1).unwrap();
    assert_eq!(spec.scale.to_string(), "8");
    assert_eq!(spec.rho.to_string(), "1/8");
    // A third is no double: the map rounds up, so the scale has to give way.
    let spec = NoiseSpec::laplace(1, &"1/3".parse().unwrap(), 1).unwrap();
    assert!(epsilon_of(&spec.scale, 1).unwrap() <= "1/3".parse().unwrap());
    assert!(spec.scale > "3".parse().unwrap() && spec.rho <= "1/18".parse().unwrap());
}

proptest! {
    #[test]
    fn the_scale_is_enough_by_opendps_maps_and_hardly_more(l1 in 1_u128..1 << 40, top in 1_u64..1_000_000, bottom in 1_u64..1_000_000) {
        let budget = Rho::from_ratio(top, bottom).unwrap();
        let pure = NoiseSpec::laplace(l1, &budget, 1).unwrap_or_else(|_| laplace_of(1.0, 1));
        if pure.sensitivity == Rho::from_integers(l1.into(), 1_u8.into()).unwrap() {
            prop_assert!(epsilon_of(&pure.scale, l1).unwrap() <= budget);
            prop_assert!(map(&pure.scale, l1).unwrap() <= pure.rho);
            let product = Rho::from_integers(pure.scale.numerator() * budget.numerator(), pure.scale.denominator() * budget.denominator()).unwrap();
            let exact = Rho::from_integers(l1.into(), 1_u8.into()).unwrap();
            prop_assert!(product >= exact && product <= &exact + &exact.scaled(1, 1 << 20).unwrap());
        }
        if let Ok(concentrated) = NoiseSpec::laplace_at_rho(l1, &budget, 1) {
            prop_assert!(map(&concentrated.scale, l1).unwrap() <= concentrated.rho);
            prop_assert!(concentrated.rho <= budget);
        }
    }
}
