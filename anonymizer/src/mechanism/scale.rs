//! Scales and charges as exact fractions, rounded towards more noise and towards a higher charge.
//!
//! A scale is a binary fraction with few digits: the exact sampler computes with its numerator and
//! denominator, and long ones cost it time. Rounding the scale up by a part in 2^22 costs nothing that anybody could measure.

use dashu::integer::UBig;
use dashu::rational::RBig;
use medrec_domain::Rho;
use num_bigint::BigUint;

use super::problem::noise;
use crate::error::AnonymizerError;

/// Binary digits of a scale.
const SCALE_BITS: i64 = 24;
/// Charges are multiples of 2 to the minus this: a millionth of a millionth.
const CHARGE_BITS: usize = 40;
/// Largest scale, as a power of two. Noise of this scale passes 63 bits with a probability below e^-8000.
const LARGEST_SCALE_BITS: u64 = 50;
/// Steps of the scale that are tried before giving up; the first or second one fits.
const MOST_STEPS: u32 = 16;

/// The smallest scale of [`SCALE_BITS`] digits, give or take one, whose square is at least `top / bottom` and that `fits`.
///
/// # Errors
/// [`AnonymizerError::Noise`] when `top` or `bottom` is 0 or the scale passes 2^50, or what `fits` returns.
pub(super) fn least(
    top: &BigUint,
    bottom: &BigUint,
    fits: impl Fn(&Rho) -> Result<bool, AnonymizerError>,
) -> Result<Rho, AnonymizerError> {
    let zero = BigUint::ZERO;
    if *top == zero || *bottom == zero {
        return Err(noise("a sensitivity or a loss is 0"));
    }
    let bits = |number: &BigUint| i64::try_from(number.bits()).unwrap_or(i64::MAX / 4);
    // The scale is digits * 2^exponent with digits^2 * 4^exponent >= top / bottom.
    let exponent = (bits(top) - bits(bottom)).div_euclid(2) - SCALE_BITS + 1;
    let shift = usize::try_from(exponent.unsigned_abs()).map_err(|_| noise("its scale is out of range"))?;
    let square = if exponent < 0 {
        (top << (2 * shift)).div_ceil_of(bottom)
    } else {
        top.div_ceil_of(&(bottom << (2 * shift)))
    };
    let mut digits = square.sqrt();
    if &digits * &digits < square {
        digits += 1_u8;
    }
    for _ in 0..MOST_STEPS {
        let scale = if exponent < 0 {
            Rho::from_integers(digits.clone(), BigUint::from(1_u8) << shift)?
        } else {
            Rho::from_integers(&digits << shift, 1_u8.into())?
        };
        if scale.numerator() > &(scale.denominator() << LARGEST_SCALE_BITS) {
            return Err(noise("it does not fit 64 bits"));
        }
        if fits(&scale)? {
            return Ok(scale);
        }
        digits += 1_u8;
    }
    Err(noise("no scale fits the loss"))
}

/// `top / bottom`, rounded up to a multiple of 2^-40.
pub(super) fn up_to_grid(top: &BigUint, bottom: &BigUint) -> Rho {
    let units = (top << CHARGE_BITS).div_ceil_of(bottom);
    Rho::from_integers(units, BigUint::from(1_u8) << CHARGE_BITS).unwrap_or_else(|_| Rho::zero())
}

/// `epsilon^2 / 2`.
pub(super) fn half_square(epsilon: &Rho) -> Result<Rho, AnonymizerError> {
    let (top, bottom) = (epsilon.numerator(), epsilon.denominator());
    Ok(Rho::from_integers(top * top, bottom * bottom * 2_u8)?)
}

/// The smallest multiple of 2^-64 that is at least the square root of `square`.
pub(super) fn root_at_least(square: u128) -> RBig {
    let square = BigUint::from(square) << 128_u32;
    let mut root = square.sqrt();
    if &root * &root < square {
        root += 1_u8;
    }
    rational(&root, &(BigUint::from(1_u8) << 64_u32))
}

/// The fraction in the noise library's numbers.
pub(super) fn rational(top: &BigUint, bottom: &BigUint) -> RBig {
    let integer = |number: &BigUint| UBig::from_le_bytes(&number.to_bytes_le());
    RBig::from_parts(integer(top).into(), integer(bottom))
}

trait CeilingDivision {
    fn div_ceil_of(&self, bottom: &BigUint) -> BigUint;
}

impl CeilingDivision for BigUint {
    fn div_ceil_of(&self, bottom: &BigUint) -> BigUint {
        (self + bottom - 1_u8) / bottom
    }
}
