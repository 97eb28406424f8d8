//! Discrete Gaussian noise: for persons who touch many cells a little.
//!
//! `gaussian/PROOF.md` says why what is charged is enough. The sampler and the map are OpenDP's.

use dashu::integer::IBig;
use dashu::rational::RBig;
use medrec_domain::Rho;
use num_bigint::BigUint;
use opendp::core::Measurement;
use opendp::domains::{AtomDomain, VectorDomain};
use opendp::measurements::{MakeNoise, ZExpFamily};
use opendp::measures::ZeroConcentratedDivergence;
use opendp::metrics::L2Distance;

use super::problem::noise;
use super::scale;
use crate::error::AnonymizerError;

/// OpenDP's measurement. It is neither `Send` nor `Sync`: whoever draws builds one.
type Gaussian =
    Measurement<VectorDomain<AtomDomain<IBig>>, L2Distance<RBig>, ZeroConcentratedDivergence, Vec<IBig>>;

/// Beyond this sigma the sums over integers equal the integrals to far below an `f64`'s last digit:
/// they differ by a factor of about `2 * exp(-2 (pi sigma)^2)`.
const CONTINUOUS_SIGMA: f64 = 4.0;

/// The smallest sigma with `l2_squared / (2 sigma^2) <= rho`, by OpenDP's map.
pub(super) fn scale(l2_squared: u128, rho: &Rho) -> Result<Rho, AnonymizerError> {
    let top = BigUint::from(l2_squared) * rho.denominator();
    scale::least(&top, &(rho.numerator() * 2_u8), |sigma| Ok(map(sigma, l2_squared)? <= *rho))
}

/// What OpenDP's map says of noise of scale `sigma` for a change of `l2_squared`, exactly as it says it.
pub(super) fn map(sigma: &Rho, l2_squared: u128) -> Result<Rho, AnonymizerError> {
    let loss = measurement(sigma)?.map(&scale::root_at_least(l2_squared));
    let loss = loss.map_err(|_| noise("the noise library states no loss"))?;
    Rho::exact(loss).ok_or_else(|| noise("the noise library states no finite loss"))
}

/// Draws `length` integers.
pub(super) fn sample(sigma: &Rho, length: usize) -> Result<Vec<IBig>, AnonymizerError> {
    let drawn = measurement(sigma)?.invoke(&vec![IBig::ZERO; length]);
    drawn.map_err(|_| noise("the operating system gave no randomness"))
}

fn measurement(sigma: &Rho) -> Result<Gaussian, AnonymizerError> {
    let scale = scale::rational(sigma.numerator(), sigma.denominator());
    let space = (VectorDomain::new(AtomDomain::default()), L2Distance::default());
    ZExpFamily::<2> { scale }.make_noise(space).map_err(|_| noise("the noise library refuses the scale"))
}

/// Variance and excess kurtosis of one integer.
pub(super) fn moments(sigma: f64) -> (f64, f64) {
    if sigma >= CONTINUOUS_SIGMA {
        return (sigma * sigma, 0.0);
    }
    let [mut total, mut second, mut fourth] = [0.0; 3];
    // Twelve sigma and one: what lies beyond weighs e^-72 at most.
    for x in (1..=49).rev().map(f64::from) {
        let weight = 2.0 * (-x * x / (2.0 * sigma * sigma)).exp();
        total += weight;
        second += weight * x * x;
        fourth += weight * x.powi(4);
    }
    total += 1.0;
    let variance = second / total;
    // With hardly any noise the kurtosis grows without bound; a zero variance has none to speak of.
    if variance > 0.0 { (variance, fourth / total / (variance * variance) - 3.0) } else { (0.0, 0.0) }
}

#[cfg(test)]
mod tests;
