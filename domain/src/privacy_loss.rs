//! Privacy loss as an exact number.
//!
//! A budget is a sum of thousands of small charges; as binary floating point it would drift, and a
//! drifting budget is one that can be overdrawn. So a loss is a ratio of two integers of any size:
//! sums are exact, nothing overflows, and two parties that add the same charges agree to the bit.
//!
//! The unit is rho of zero-concentrated differential privacy (Bun and Steinke 2016): a mechanism is
//! rho-zCDP when every Renyi divergence of order a between neighbouring inputs is at most a*rho.
//! Losses add under composition. This file knows neither epsilon nor delta.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use num_bigint::BigUint;
use num_rational::Ratio;
use num_traits::{CheckedSub, One, Pow, ToPrimitive, Zero};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::DomainError;

/// Longest accepted text of a loss: far beyond any sensible one, short enough to parse at once.
const LONGEST_TEXT: usize = 4096;

/// A privacy loss in rho-zCDP: an exact, non-negative rational in lowest terms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rho(Ratio<BigUint>);

impl Rho {
    /// No loss at all.
    pub fn zero() -> Self {
        Self(Ratio::zero())
    }

    /// The loss `numerator / denominator`.
    ///
    /// # Errors
    /// [`DomainError::Text`] when the denominator is 0.
    pub fn from_ratio(numerator: u64, denominator: u64) -> Result<Self, DomainError> {
        Self::from_integers(numerator.into(), denominator.into())
    }

    /// The loss `numerator / denominator`, of any size.
    ///
    /// # Errors
    /// [`DomainError::Text`] when the denominator is 0.
    pub fn from_integers(numerator: BigUint, denominator: BigUint) -> Result<Self, DomainError> {
        if denominator.is_zero() {
            return Err(DomainError::text("privacy loss", &format!("{numerator}/0"), "divides by zero"));
        }
        Ok(Self(Ratio::new(numerator, denominator)))
    }

    /// Numerator in lowest terms.
    pub fn numerator(&self) -> &BigUint {
        self.0.numer()
    }

    /// Denominator in lowest terms; never 0.
    pub fn denominator(&self) -> &BigUint {
        self.0.denom()
    }

    /// Whether this is no loss.
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// What is left of this budget after `spent`, or `None` when more was spent than there is.
    #[must_use]
    pub fn checked_sub(&self, spent: &Self) -> Option<Self> {
        self.0.checked_sub(&spent.0).map(Self)
    }

    /// This loss times `numerator / denominator`, for shares of a budget.
    ///
    /// # Errors
    /// [`DomainError::Text`] when the denominator is 0.
    pub fn scaled(&self, numerator: u64, denominator: u64) -> Result<Self, DomainError> {
        Ok(Self(&self.0 * Self::from_ratio(numerator, denominator)?.0))
    }

    /// Splits this budget in proportion to `weights`. The parts add up to the whole exactly.
    ///
    /// # Errors
    /// [`DomainError::Text`] when the weights add up to 0.
    pub fn split(&self, weights: &[u64]) -> Result<Vec<Self>, DomainError> {
        let total: BigUint = weights.iter().map(|&weight| BigUint::from(weight)).sum();
        weights
            .iter()
            .map(|&weight| Ok(Self(&self.0 * Self::from_integers(weight.into(), total.clone())?.0)))
            .collect()
    }

    /// The smallest `f64` that is at least this loss: for showing or charging, never for granting.
    pub fn to_f64_at_least(&self) -> f64 {
        let mut value = self.0.to_f64().unwrap_or(f64::INFINITY);
        while value.is_finite() && Self::exact(value).is_some_and(|exact| exact < *self) {
            value = value.next_up();
        }
        while value > 0.0 && Self::exact(value.next_down()).is_some_and(|exact| exact >= *self) {
            value = value.next_down();
        }
        value
    }

    /// The largest `f64` that is at most this loss: for choosing the scale of noise.
    pub fn to_f64_at_most(&self) -> f64 {
        let above = self.to_f64_at_least();
        if Self::exact(above).as_ref() == Some(self) { above } else { above.next_down().max(0.0) }
    }

    /// The exact value of a finite, non-negative `f64`.
    ///
    /// A double is an integer times a power of two, so this never rounds. `None` for negative
    /// numbers, infinities and NaN. Rounded-up losses from a noise library come in through here.
    pub fn exact(value: f64) -> Option<Self> {
        if !value.is_finite() || value < 0.0 {
            return None;
        }
        let bits = value.to_bits();
        let stored_exponent = i32::try_from((bits >> 52) & 0x7ff).ok()?;
        let fraction = bits & ((1 << 52) - 1);
        // Subnormal numbers have no implicit leading one and share the exponent of the smallest normal.
        let (mantissa, exponent) = if stored_exponent == 0 {
            (fraction, -1074)
        } else {
            (fraction | (1 << 52), stored_exponent - 1075)
        };
        let power = BigUint::one() << exponent.unsigned_abs();
        let mantissa = BigUint::from(mantissa);
        Some(Self(if exponent < 0 { Ratio::new(mantissa, power) } else { Ratio::from(mantissa * power) }))
    }

    /// This loss as a decimal with `digits` digits after the point, rounded up.
    ///
    /// For people. A loss is rounded up so that what is shown never understates it.
    pub fn to_decimal_text(&self, digits: u16) -> String {
        decimal_text(&(&self.0 * Ratio::from(ten_to(digits))).ceil().to_integer(), digits)
    }

    /// As [`Self::to_decimal_text`], rounded down: for what is left of a budget, which must not be overstated.
    pub fn to_decimal_text_at_most(&self, digits: u16) -> String {
        decimal_text(&(&self.0 * Ratio::from(ten_to(digits))).floor().to_integer(), digits)
    }
}

fn ten_to(digits: u16) -> BigUint {
    BigUint::from(10_u8).pow(u32::from(digits))
}

/// A number of the last digit's units with its point.
fn decimal_text(units: &BigUint, digits: u16) -> String {
    if digits == 0 {
        return units.to_string();
    }
    let scale = ten_to(digits);
    let (whole, rest) = (units / &scale, units % &scale);
    format!("{whole}.{rest:0>width$}", rest = rest.to_string(), width = usize::from(digits))
}

impl Add<&Rho> for &Rho {
    type Output = Rho;
    fn add(self, other: &Rho) -> Rho {
        Rho(&self.0 + &other.0)
    }
}

impl Add for Rho {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign<&Rho> for Rho {
    fn add_assign(&mut self, other: &Rho) {
        self.0 += &other.0;
    }
}

impl Sum for Rho {
    fn sum<I: Iterator<Item = Self>>(losses: I) -> Self {
        losses.fold(Self::zero(), |total, loss| total + loss)
    }
}

impl<'a> Sum<&'a Rho> for Rho {
    fn sum<I: Iterator<Item = &'a Self>>(losses: I) -> Self {
        losses.fold(Self::zero(), |total, loss| &total + loss)
    }
}

/// Lowest terms: `1/2`, `3`, `0`. This is also the canonical text.
impl fmt::Display for Rho {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_integer() {
            write!(out, "{}", self.0.numer())
        } else {
            write!(out, "{}/{}", self.0.numer(), self.0.denom())
        }
    }
}

/// Accepts `1/2`, `3` and `0.015`; no sign, no exponent, no blanks.
impl FromStr for Rho {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        let refuse = |problem: &str| DomainError::text("privacy loss", text, problem);
        if text.len() > LONGEST_TEXT {
            return Err(refuse("is too long"));
        }
        let integer = |digits: &str| {
            let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            whole.then(|| BigUint::parse_bytes(digits.as_bytes(), 10)).flatten()
        };
        let not_a_number = || refuse("is not of the form 1/2, 3 or 0.015");
        if let Some((numerator, denominator)) = text.split_once('/') {
            let numerator = integer(numerator).ok_or_else(not_a_number)?;
            return Self::from_integers(numerator, integer(denominator).ok_or_else(not_a_number)?);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        integer(whole).and_then(|_| integer(fraction)).ok_or_else(not_a_number)?;
        let digits = integer(&format!("{whole}{fraction}")).ok_or_else(not_a_number)?;
        let scale = BigUint::from(10_u8).pow(fraction.len());
        Self::from_integers(digits, scale)
    }
}

impl Serialize for Rho {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rho {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_ways_to_write_a_loss_agree() {
        let half: Rho = "1/2".parse().unwrap();
        assert_eq!(half, "0.5".parse().unwrap());
        assert_eq!(half, "50/100".parse().unwrap());
        assert_eq!(half.to_string(), "1/2");
        assert_eq!("0.015".parse::<Rho>().unwrap().to_string(), "3/200");
        assert_eq!("3".parse::<Rho>().unwrap().to_string(), "3");
        assert_eq!("0".parse::<Rho>().unwrap(), Rho::zero());
    }

    #[test]
    fn texts_that_are_not_losses_are_refused() {
        for text in
            ["", "-1", "1/0", "1/", "/2", "1e-3", " 1", "1 ", "0.", ".5", "1/2/3", "nan", "inf", "+1", "1_0"]
        {
            assert!(text.parse::<Rho>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_thousand_tenths_are_exactly_a_hundred() {
        let tenth: Rho = "0.1".parse().unwrap();
        let total: Rho = std::iter::repeat_n(&tenth, 1000).sum();
        assert_eq!(total.to_string(), "100");
    }

    #[test]
    fn a_split_adds_up_to_the_whole() {
        let whole: Rho = "1/2".parse().unwrap();
        let parts = whole.split(&[1, 2, 4]).unwrap();
        assert_eq!(parts[0].to_string(), "1/14");
        assert_eq!(parts.iter().sum::<Rho>(), whole);
        assert!(whole.split(&[0, 0]).is_err());
    }

    #[test]
    fn overdrawing_is_noticed() {
        let half: Rho = "1/2".parse().unwrap();
        let more: Rho = "500001/1000000".parse().unwrap();
        assert_eq!(half.checked_sub(&more), None);
        assert_eq!(half.checked_sub(&half), Some(Rho::zero()));
    }

    #[test]
    fn conversions_to_floating_point_round_the_way_they_say() {
        let third: Rho = "1/3".parse().unwrap();
        assert!(Rho::exact(third.to_f64_at_most()).unwrap() < third);
        assert!(Rho::exact(third.to_f64_at_least()).unwrap() > third);
        assert_eq!(third.to_f64_at_most().next_up().to_bits(), third.to_f64_at_least().to_bits());
        let half: Rho = "1/2".parse().unwrap();
        assert_eq!(half.to_f64_at_most().to_bits(), 0.5_f64.to_bits());
        assert_eq!(half.to_f64_at_least().to_bits(), 0.5_f64.to_bits());
        assert_eq!(Rho::exact(-0.5), None);
        assert_eq!(Rho::exact(f64::NAN), None);
        assert_eq!(Rho::zero().to_f64_at_least().to_bits(), 0);
        assert_eq!(third.to_decimal_text(4), "0.3334");
        assert_eq!(third.to_decimal_text_at_most(4), "0.3333");
        assert_eq!(
            (half.to_decimal_text(2), half.to_decimal_text_at_most(2)),
            ("0.50".into(), "0.50".into())
        );
        assert_eq!(third.to_decimal_text_at_most(0), "0");
    }
}
