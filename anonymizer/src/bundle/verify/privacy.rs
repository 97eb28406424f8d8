//! Checks of the privacy statements: sensitivities, losses and epsilons, recomputed from public parameters.
//!
//! Losses are compared as exact fractions. Epsilons are irrational; they are held between two bounds: the
//! classic one above (Bun and Steinke 2016, Proposition 1.3), and below what even the Gaussian mechanism of
//! that loss needs (Balle and Wang 2018, Theorem 8), which no correct conversion can undercut.

use medrec_domain::manifest::{MeasureNoise, Mechanism, ReleasedTable};
use medrec_domain::workload::{MeasureKind, TableQuery};
use medrec_domain::{Manifest, Rho};

use super::verdict::{EpsilonAt, Finding};

/// Room for rounding an epsilon up to a few decimals.
const ROUNDING: f64 = 0.01;

/// Every noise has the sensitivity of its query, and is charged at least what it costs.
pub(super) fn noise(manifest: &Manifest) -> Finding {
    let mut total = Rho::zero();
    for table in &manifest.tables {
        for noise in &table.noise {
            check_noise(table, noise).map_err(|problem| format!("table {}: {problem}", table.query.name))?;
            total += &noise.rho;
        }
    }
    if total > manifest.privacy.rho {
        return Err(format!("the tables cost {total}, more than rho {}", manifest.privacy.rho));
    }
    Ok(format!(
        "the tables cost {} of rho {}",
        total.to_decimal_text(6),
        manifest.privacy.rho.to_decimal_text(6)
    ))
}

fn check_noise(table: &ReleasedTable, noise: &MeasureNoise) -> Result<(), String> {
    let index = usize::try_from(noise.measure).ok();
    let measure = index.and_then(|index| table.query.measures.get(index));
    let measure = measure.ok_or("noise of a measure that is not there")?;
    let least =
        sensitivity(&table.query, &measure.kind, noise.mechanism).ok_or("a sensitivity that is too large")?;
    if noise.sensitivity < least {
        return Err(format!(
            "sensitivity {} is stated, and one person can move it by {least}",
            noise.sensitivity
        ));
    }
    if noise.scale.is_zero() {
        return Err("noise of scale 0 is none".into());
    }
    let cost = cost(noise).ok_or("a noise without a price")?;
    if noise.rho < cost {
        let (stated, cost) = (noise.rho.to_decimal_text(9), cost.to_decimal_text(9));
        return Err(format!("noise is charged {stated} and costs {cost}"));
    }
    Ok(())
}

/// How far one person moves the integers of a measure: L1 for Laplace, L2 squared for Gaussian.
///
/// A person counts in at most `rows_per_person` cells, or brings at most that many rows. A row moves a count
/// by 1. A value moves the two integers of its cell by 2H in all, H being half the steps between the bounds.
fn sensitivity(query: &TableQuery, kind: &MeasureKind, mechanism: Mechanism) -> Option<Rho> {
    let rows = u128::from(query.rows_per_person);
    let l1 = match kind {
        MeasureKind::Sum { bounds, .. } | MeasureKind::Mean { bounds, .. } => {
            rows.checked_mul(2 * u128::try_from(bounds.half_width_units()).ok()?)?
        }
        _ => rows,
    };
    let size = match (mechanism, kind) {
        (Mechanism::DiscreteLaplace, _) | (_, MeasureKind::PersonCount) => l1,
        _ => l1.checked_mul(l1)?,
    };
    Rho::from_integers(size.into(), 1_u8.into()).ok()
}

/// What noise costs in rho: L2^2 / (2 sigma^2) for Gaussian; (L1 / scale)^2 / 2 for Laplace, whose pure loss is L1 / scale.
fn cost(noise: &MeasureNoise) -> Option<Rho> {
    let (scale, size) = (&noise.scale, &noise.sensitivity);
    let power =
        |number: &Rho| (number.numerator() * number.numerator(), number.denominator() * number.denominator());
    let (scale_up, scale_down) = power(scale);
    let (size_up, size_down) = match noise.mechanism {
        Mechanism::DiscreteGaussian => (size.numerator().clone(), size.denominator().clone()),
        Mechanism::DiscreteLaplace => power(size),
        _ => return None,
    };
    Rho::from_integers(size_up * scale_down, size_down * scale_up * 2_u8).ok()
}

/// Each epsilon is possible for rho, none is too good, and there is at least one.
pub(super) fn epsilons(manifest: &Manifest, exact: Option<EpsilonAt<'_>>) -> Finding {
    let rho = manifest.privacy.rho.to_f64_at_least();
    let mut words = Vec::new();
    for own in &manifest.privacy.epsilon {
        let place = || format!("epsilon {} at delta {}", own.epsilon, own.delta);
        let delta: f64 = own.delta.parse().map_err(|_| format!("{}: that is no delta", place()))?;
        if !(delta > 0.0 && delta < 1.0) {
            return Err(format!("{}: that is no delta", place()));
        }
        let claimed = own.epsilon.to_f64();
        let above = rho + 2.0 * (rho * (1.0 / delta).ln()).sqrt();
        if claimed > above * (1.0 + ROUNDING) + ROUNDING {
            return Err(format!("{}: rho gives at most {above:.3}", place()));
        }
        if gaussian_delta(rho, claimed) > delta * (1.0 + ROUNDING) {
            return Err(format!("{}: no conversion of rho gives so little", place()));
        }
        if let Some(least) = exact.and_then(|exact| exact(&manifest.privacy.rho, &own.delta))
            && own.epsilon < least
        {
            return Err(format!("{}: rho gives {least}", place()));
        }
        words.push(place());
    }
    if words.is_empty() { Err("no epsilon is stated".into()) } else { Ok(words.join(", ")) }
}

/// Delta that the Gaussian mechanism of loss `rho` has at `epsilon`.
fn gaussian_delta(rho: f64, epsilon: f64) -> f64 {
    let mu = (2.0 * rho).sqrt();
    if mu <= 0.0 {
        return 0.0;
    }
    let tail = |x: f64| 0.5 * erfc(x / std::f64::consts::SQRT_2);
    tail(epsilon / mu - mu / 2.0) - epsilon.exp() * tail(epsilon / mu + mu / 2.0)
}

/// Complementary error function, to a relative 1.2e-7 (the Chebyshev fit of Press and others, Numerical
/// Recipes, section 6.2).
fn erfc(x: f64) -> f64 {
    const FIT: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x.abs());
    let polynomial = FIT.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
    let tail = t * (polynomial - x * x).exp();
    if x >= 0.0 { tail } else { 2.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_the_known_one() {
        // Abramowitz and Stegun, table 7.1 and 7.3.
        for (x, value) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122),
            (1.0, 0.157_299_207),
            (3.0, 2.209_049_7e-5),
            (-1.0, 1.842_700_793),
        ] {
            assert!((erfc(x) / value - 1.0).abs() < 1e-6, "{x}: {}", erfc(x));
        }
    }

    #[test]
    fn the_gaussian_bound_lies_below_published_conversions() {
        // rho 0.1 is epsilon 2.35 at delta 1e-7 in the tight conversion; the mechanism itself needs a little less.
        assert!(gaussian_delta(0.1, 2.35) < 1e-7);
        assert!(gaussian_delta(0.1, 2.0) > 1e-7);
        assert!(gaussian_delta(0.5, 5.67) < 1e-7 && gaussian_delta(0.5, 5.0) > 1e-7);
    }
}
