//! Integer noise: its size chosen from public parameters, its bits from the operating system, its
//! drawing apart from the data.
//!
//! ```text
//! sensitivity, budget --NoiseSpec::gaussian | laplace--> scale, charge      (public, before a record is read)
//! specs --draw--> vectors of noise, one a spec                              (knows no data)
//! exact integers + noise                                                    (the pipeline, checked additions)
//! ```
//!
//! The two mechanisms are siblings of one shape: `gaussian` and `laplace`, each with the proof of what it
//! charges beside it. Distributions and privacy maps are OpenDP's; this file never computes a random
//! number. That noise is drawn by invoking OpenDP's measurement on the zero vector and added later
//! changes nothing: the measurement is defined as the input plus independent noise.
//!
//! # Privacy
//! A spec charges at least what OpenDP's own map says for its sensitivity; [`draw()`] asks the map again
//! before it draws. What the caller must bring: a sensitivity that the bounding enforces.

mod draw;
mod gaussian;
mod laplace;
mod pace;
mod problem;
mod scale;

use medrec_domain::Rho;
use medrec_domain::manifest::Mechanism;
use num_bigint::BigUint;

pub use draw::draw;

use crate::error::AnonymizerError;
use problem::noise;

/// What to draw: how many integers, from which noise, and what the release of a vector with it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoiseSpec {
    /// Which noise.
    pub mechanism: Mechanism,
    /// Sigma or b on the integer grid, exact; a binary fraction of 24 bits.
    pub scale: Rho,
    /// Integers to draw.
    pub length: usize,
    /// Largest change that one person makes to the vector: L2 squared for Gaussian, L1 for Laplace; an integer.
    pub sensitivity: Rho,
    /// Loss charged for that change.
    pub rho: Rho,
}

impl NoiseSpec {
    /// The smallest Gaussian noise at a loss of at most `rho` for a change of `l2_squared`.
    ///
    /// # Privacy
    /// rho-zCDP for neighbours whose vectors differ by at most `l2_squared` in squared L2 norm; see
    /// `gaussian/PROOF.md`.
    ///
    /// # Errors
    /// [`AnonymizerError::Noise`] when the sensitivity or the loss is 0, or the noise does not fit 64 bits.
    pub fn gaussian(l2_squared: u128, rho: &Rho, length: usize) -> Result<Self, AnonymizerError> {
        let scale = gaussian::scale(l2_squared, rho)?;
        let charge = charge_of(&gaussian::map(&scale, l2_squared)?, rho)?;
        Self::new(Mechanism::DiscreteGaussian, scale, length, l2_squared, charge)
    }

    /// The smallest Laplace noise at a pure loss of at most `epsilon` for a change of `l1`; its charge
    /// is epsilon squared by 2.
    ///
    /// # Privacy
    /// Pure epsilon-differential privacy, and [`Self::rho`] in zCDP; see `laplace/PROOF.md`.
    ///
    /// # Errors
    /// As [`Self::gaussian`].
    pub fn laplace(l1: u128, epsilon: &Rho, length: usize) -> Result<Self, AnonymizerError> {
        let scale = laplace::scale_at_epsilon(l1, epsilon)?;
        let most = scale::half_square(epsilon)?;
        let charge = charge_of(&laplace::map(&scale, l1)?, &most)?;
        Self::new(Mechanism::DiscreteLaplace, scale, length, l1, charge)
    }

    /// The smallest Laplace noise at a loss of at most `rho` for a change of `l1`.
    ///
    /// # Privacy
    /// As [`Self::laplace`].
    ///
    /// # Errors
    /// As [`Self::gaussian`].
    pub fn laplace_at_rho(l1: u128, rho: &Rho, length: usize) -> Result<Self, AnonymizerError> {
        let scale = laplace::scale_at_rho(l1, rho)?;
        let charge = charge_of(&laplace::map(&scale, l1)?, rho)?;
        Self::new(Mechanism::DiscreteLaplace, scale, length, l1, charge)
    }

    fn new(
        mechanism: Mechanism,
        scale: Rho,
        length: usize,
        sensitivity: u128,
        rho: Rho,
    ) -> Result<Self, AnonymizerError> {
        let sensitivity = Rho::from_integers(sensitivity.into(), 1_u8.into())?;
        Ok(Self { mechanism, scale, length, sensitivity, rho })
    }

    /// Loss of a person who changes the vector by `l1` in L1 norm and `l2_squared` in squared L2 norm.
    ///
    /// Exact, then rounded up to a multiple of 2^-40, so that sums of thousands of them keep small
    /// denominators; never above [`Self::rho`] for who stays within the sensitivity.
    ///
    /// # Privacy
    /// It depends on the person's record and is as secret as that.
    pub fn loss(&self, l1: u128, l2_squared: u128) -> Rho {
        let (change, square) = match self.mechanism {
            Mechanism::DiscreteLaplace => (l1, BigUint::from(l1) * l1),
            _ => (l2_squared, BigUint::from(l2_squared)),
        };
        let sensitivity = self.sensitivity.numerator();
        if BigUint::from(change) == *sensitivity {
            return self.rho.clone();
        }
        let (top, bottom) = (self.scale.numerator(), self.scale.denominator());
        let loss = scale::up_to_grid(&(square * bottom * bottom), &(top * top * 2_u8));
        if BigUint::from(change) < *sensitivity { loss.min(self.rho.clone()) } else { loss }
    }

    /// Variance of one drawn integer, in squared units of the grid.
    pub fn variance(&self) -> f64 {
        self.moments().0
    }

    /// Excess kurtosis of one drawn integer: 0 for normal noise.
    pub fn excess_kurtosis(&self) -> f64 {
        self.moments().1
    }

    fn moments(&self) -> (f64, f64) {
        let scale = self.scale.to_f64_at_least();
        match self.mechanism {
            Mechanism::DiscreteLaplace => laplace::moments(scale),
            _ => gaussian::moments(scale),
        }
    }

    /// Whether OpenDP's own map agrees that the change costs no more than is charged.
    fn check(&self) -> Result<(), AnonymizerError> {
        let problem = "the noise library puts the loss above the charge";
        let sensitivity = u128::try_from(self.sensitivity.numerator()).map_err(|_| noise(problem))?;
        let loss = match self.mechanism {
            Mechanism::DiscreteGaussian => gaussian::map(&self.scale, sensitivity)?,
            Mechanism::DiscreteLaplace => laplace::map(&self.scale, sensitivity)?,
            _ => return Err(noise("its kind is not known here")),
        };
        if loss > self.rho { Err(noise(problem)) } else { Ok(()) }
    }
}

/// What is charged for a loss that the map states: rounded up to the grid of charges, within what was asked for.
fn charge_of(loss: &Rho, most: &Rho) -> Result<Rho, AnonymizerError> {
    if loss > most {
        return Err(noise("its scale costs more than it may"));
    }
    Ok(scale::up_to_grid(loss.numerator(), loss.denominator()).min(most.clone()))
}

#[cfg(test)]
mod statistics;
#[cfg(test)]
mod tests;
