//! Losses in zCDP read as epsilon and delta, and back.
//!
//! Budgets are kept in rho, which adds up; people compare epsilons. The conversion is OpenDP's (the
//! best one over Renyi orders, after Canonne, Kamath and Steinke 2020), in arithmetic
//! that rounds against us: an epsilon is never understated, a rho never overstated. This file spends nothing.

use std::sync::LazyLock;

use medrec_domain::manifest::EpsilonAtDelta;
use medrec_domain::{Decimal, Rho};
use opendp::combinators::ConcentratedMeasure;
use opendp::measures::{PrivacyProfile, ZeroConcentratedDivergence};

use crate::error::AnonymizerError;

/// The deltas at which every release states its epsilon.
pub const DELTAS: [&str; 3] = ["1e-6", "1e-7", "1e-9"];

/// Digits after the point of a stated epsilon.
const EPSILON_DIGITS: u16 = 6;
/// A rho found for an epsilon is a multiple of this fraction.
static RHO_UNITS: LazyLock<num_bigint::BigUint> = LazyLock::new(|| 1_000_000_000_000_u64.into());

/// The epsilons of a loss at [`DELTAS`], rounded up.
///
/// # Errors
/// [`AnonymizerError::Accounting`] when the loss is too large for a finite epsilon.
pub fn epsilons(rho: &Rho) -> Result<Vec<EpsilonAtDelta>, AnonymizerError> {
    DELTAS
        .iter()
        .map(|&delta| {
            let epsilon = epsilon_at(rho, delta.parse().map_err(|_| problem("a delta is no number"))?)?;
            Ok(EpsilonAtDelta { delta: delta.to_owned(), epsilon })
        })
        .collect()
}

/// The smallest epsilon for which a loss of `rho` is (epsilon, `delta`)-differentially private, rounded up.
///
/// # Errors
/// [`AnonymizerError::Accounting`] when `delta` does not lie between 0 and 1 or epsilon is not finite.
pub fn epsilon_at(rho: &Rho, delta: f64) -> Result<Decimal, AnonymizerError> {
    let delta = checked(delta)?;
    if rho.is_zero() {
        return Ok(Decimal::from_integer(0));
    }
    let epsilon = profile(rho)?.epsilon(delta).map_err(|_| problem("the loss has no epsilon"))?;
    let epsilon = Rho::exact(epsilon).ok_or_else(|| problem("the loss has no finite epsilon"))?;
    Ok(epsilon.to_decimal_text(EPSILON_DIGITS).parse()?)
}

/// The largest rho, to 12 digits, that is (`epsilon`, `delta`)-differentially private, rounded down.
///
/// # Errors
/// [`AnonymizerError::Accounting`] when `delta` does not lie between 0 and 1, or not even a rho of 1e-12 is enough.
pub fn largest_rho(epsilon: &Rho, delta: f64) -> Result<Rho, AnonymizerError> {
    let delta = checked(delta)?;
    let epsilon = epsilon.to_f64_at_most();
    // Where the arithmetic overflows no delta is stated: that loss is far too large.
    let is_private = |rho: &Rho| {
        profile(rho).is_ok_and(|profile| profile.delta(epsilon).is_ok_and(|reached| reached <= delta))
    };
    let of_units = |units: u64| Rho::from_integers(units.into(), RHO_UNITS.clone());
    // Private at `low` (or low is 0), not private at `high`: a million, or what 64 bits hold.
    let (mut low, mut high) = (0_u64, u64::MAX);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_private(&of_units(middle)?) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if low == 0 { Err(problem("the epsilon is too small for any release")) } else { Ok(of_units(low)?) }
}

/// Delta as a function of epsilon.
fn profile(rho: &Rho) -> Result<PrivacyProfile, AnonymizerError> {
    ZeroConcentratedDivergence::convert(rho.to_f64_at_least()).map_err(|_| problem("the loss has no profile"))
}

/// A delta strictly between 0 and 1, one step below: the double that a decimal text becomes may lie above it.
fn checked(delta: f64) -> Result<f64, AnonymizerError> {
    if delta > 0.0 && delta < 1.0 {
        Ok(delta.next_down())
    } else {
        Err(problem("delta does not lie between 0 and 1"))
    }
}

fn problem(problem: &'static str) -> AnonymizerError {
    AnonymizerError::Accounting { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rho(text: &str) -> Rho {
        text.parse().unwrap()
    }

    /// Published figures of other accountants at delta 1e-7 (Wikimedia's 0.015 among them), to their two digits.
    #[test]
    fn epsilons_are_those_that_others_computed() {
        for (loss, expected) in [("0.015", 0.85), ("0.05", 1.62), ("0.1", 2.35), ("0.5", 5.67), ("1", 8.40)] {
            let epsilon = epsilon_at(&rho(loss), 1e-7).unwrap().to_f64();
            assert!((epsilon - expected).abs() < 0.01, "rho {loss}: {epsilon}");
        }
    }

    #[test]
    fn a_loss_is_stated_at_three_deltas_and_a_smaller_delta_costs_more() {
        let stated = epsilons(&rho("1/3")).unwrap();
        let deltas: Vec<&str> = stated.iter().map(|each| each.delta.as_str()).collect();
        assert_eq!(deltas, DELTAS);
        assert!(stated[0].epsilon < stated[1].epsilon && stated[1].epsilon < stated[2].epsilon);
        assert!(epsilons(&Rho::zero()).unwrap().iter().all(|each| each.epsilon.to_f64() == 0.0));
    }

    /// The bound rho + 2 sqrt(rho ln(1/delta)) of Bun and Steinke (2016) holds too and is never smaller.
    #[test]
    fn epsilons_lie_below_the_simple_bound_and_not_far() {
        for loss in ["0.001", "0.03", "0.7", "4", "50"] {
            for delta in [1e-6_f64, 1e-9] {
                let value = rho(loss).to_f64_at_least();
                let simple = value + 2.0 * (value * (1.0 / delta).ln()).sqrt();
                let epsilon = epsilon_at(&rho(loss), delta).unwrap().to_f64();
                assert!(
                    epsilon <= simple && epsilon > 0.7 * simple,
                    "rho {loss} delta {delta}: {epsilon} {simple}"
                );
            }
        }
    }

    #[test]
    fn back_and_forth_never_grants_more() {
        for (epsilon, delta) in [("1", 1e-6), ("1", 1e-7), ("0.1", 1e-9), ("10", 1e-6)] {
            let largest = largest_rho(&rho(epsilon), delta).unwrap();
            let unit = Rho::from_ratio(1, 1_000_000).unwrap();
            let reached: Rho = epsilon_at(&largest, delta).unwrap().to_string().parse().unwrap();
            assert!(reached <= &rho(epsilon) + &unit, "{epsilon}: {reached}");
            let more = largest.scaled(1_000_001, 1_000_000).unwrap();
            let beyond: Rho = epsilon_at(&more, delta).unwrap().to_string().parse().unwrap();
            assert!(beyond > rho(epsilon), "{epsilon} could buy more than {largest}");
        }
        let one = largest_rho(&rho("1"), 1e-6).unwrap().to_f64_at_most();
        assert!((0.0177..0.025).contains(&one), "{one}");
    }

    #[test]
    fn deltas_that_are_none_are_refused() {
        for delta in [0.0, 1.0, -1e-7, f64::NAN] {
            assert!(epsilon_at(&rho("1"), delta).is_err(), "{delta}");
            assert!(largest_rho(&rho("1"), delta).is_err(), "{delta}");
        }
        assert!(largest_rho(&Rho::zero(), 1e-7).is_err());
    }
}
