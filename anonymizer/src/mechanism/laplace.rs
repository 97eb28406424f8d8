//! Discrete Laplace noise: for persons who touch few cells.
//!
//! `laplace/PROOF.md` says why what is charged is enough. The sampler and the maps are OpenDP's.

use dashu::integer::IBig;
use dashu::rational::RBig;
use medrec_domain::Rho;
use num_bigint::BigUint;
use opendp::combinators::make_pureDP_to_zCDP;
use opendp::core::Measurement;
use opendp::domains::{AtomDomain, VectorDomain};
use opendp::measurements::{MakeNoise, ZExpFamily};
use opendp::measures::MaxDivergence;
use opendp::metrics::L1Distance;

use super::problem::noise;
use super::scale;
use crate::error::AnonymizerError;

/// OpenDP's measurement. It is neither `Send` nor `Sync`: whoever draws builds one.
type Laplace = Measurement<VectorDomain<AtomDomain<IBig>>, L1Distance<RBig>, MaxDivergence, Vec<IBig>>;

/// The smallest b with `l1 / b <= epsilon`, by OpenDP's map.
pub(super) fn scale_at_epsilon(l1: u128, epsilon: &Rho) -> Result<Rho, AnonymizerError> {
    let top = BigUint::from(l1) * epsilon.denominator();
    let bottom = epsilon.numerator();
    let most = scale::half_square(epsilon)?;
    scale::least(&(&top * &top), &(bottom * bottom), |b| {
        Ok(epsilon_of(b, l1)? <= *epsilon && map(b, l1)? <= most)
    })
}

/// The smallest b with `(l1 / b)^2 / 2 <= rho`, by OpenDP's map.
pub(super) fn scale_at_rho(l1: u128, rho: &Rho) -> Result<Rho, AnonymizerError> {
    let top = BigUint::from(l1) * l1 * rho.denominator();
    scale::least(&top, &(rho.numerator() * 2_u8), |b| Ok(map(b, l1)? <= *rho))
}

/// The pure epsilon that OpenDP's map states for a change of `l1`.
fn epsilon_of(b: &Rho, l1: u128) -> Result<Rho, AnonymizerError> {
    exact(measurement(b)?.map(&change(l1)))
}

/// The loss in zCDP that OpenDP's maps state for a change of `l1`, exactly as they state it.
pub(super) fn map(b: &Rho, l1: u128) -> Result<Rho, AnonymizerError> {
    let concentrated = make_pureDP_to_zCDP(measurement(b)?);
    exact(concentrated.map_err(|_| noise("the noise library refuses the scale"))?.map(&change(l1)))
}

/// Draws `length` integers.
pub(super) fn sample(b: &Rho, length: usize) -> Result<Vec<IBig>, AnonymizerError> {
    let drawn = measurement(b)?.invoke(&vec![IBig::ZERO; length]);
    drawn.map_err(|_| noise("the operating system gave no randomness"))
}

fn measurement(b: &Rho) -> Result<Laplace, AnonymizerError> {
    let scale = scale::rational(b.numerator(), b.denominator());
    let space = (VectorDomain::new(AtomDomain::default()), L1Distance::default());
    ZExpFamily::<1> { scale }.make_noise(space).map_err(|_| noise("the noise library refuses the scale"))
}

fn change(l1: u128) -> RBig {
    scale::rational(&l1.into(), &1_u8.into())
}

fn exact<E>(loss: Result<f64, E>) -> Result<Rho, AnonymizerError> {
    let loss = loss.map_err(|_| noise("the noise library states no loss"))?;
    Rho::exact(loss).ok_or_else(|| noise("the noise library states no finite loss"))
}

/// Variance and excess kurtosis of one integer, in closed form.
pub(super) fn moments(b: f64) -> (f64, f64) {
    let ratio = (-1.0 / b).exp();
    let rest = -(-1.0 / b).exp_m1();
    if ratio == 0.0 {
        return (0.0, 0.0);
    }
    (2.0 * ratio / (rest * rest), (1.0 + 4.0 * ratio + ratio * ratio) / (2.0 * ratio))
}

#[cfg(test)]
mod tests;
