//! Decimal numbers as people write them: bounds, steps, quantile levels.
//!
//! `0.1` in a workload means one tenth, not the nearest binary fraction. Arithmetic is checked and
//! exact; what does not fit is refused when the file is read, long before any record is.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::DomainError;

/// Digits after the point that are accepted. Laboratory values use at most six.
const MOST_DECIMALS: u8 = 9;

/// An exact decimal: `digits / 10^decimals`, without trailing zeros. At most 9 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    digits: i64,
    decimals: u8,
}

impl Decimal {
    /// The whole number `value`.
    pub const fn from_integer(value: i64) -> Self {
        Self { digits: value, decimals: 0 }
    }

    /// This number in billionths (10^-9): every decimal is a whole number of them.
    pub fn billionths(self) -> i128 {
        i128::from(self.digits) * 10_i128.pow(u32::from(MOST_DECIMALS - self.decimals))
    }

    /// The decimal of a number of billionths; saturates at the largest that fits.
    pub fn from_billionths(billionths: i128) -> Self {
        let (mut digits, mut decimals) = (billionths, MOST_DECIMALS);
        while decimals > 0 && digits % 10 == 0 {
            digits /= 10;
            decimals -= 1;
        }
        let largest = if digits < 0 { i64::MIN } else { i64::MAX };
        Self { digits: i64::try_from(digits).unwrap_or(largest), decimals }
    }

    /// The nearest `f64`. For comparing with measured values, which are `f64` already.
    pub fn to_f64(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "measured values carry far fewer than 53 bits")]
        let digits = self.digits as f64;
        digits / 10_f64.powi(i32::from(self.decimals))
    }

    /// Whether it is greater than 0.
    pub fn is_positive(self) -> bool {
        self.digits > 0
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.billionths().cmp(&other.billionths())
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let scale = 10_u64.pow(u32::from(self.decimals));
        let (whole, rest) = (self.digits.unsigned_abs() / scale, self.digits.unsigned_abs() % scale);
        if self.decimals == 0 {
            return write!(out, "{sign}{whole}");
        }
        write!(out, "{sign}{whole}.{rest:0width$}", width = usize::from(self.decimals))
    }
}

/// Accepts `12`, `-3` and `0.25`; no exponent, no plus sign, no blanks.
impl FromStr for Decimal {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        let refuse = |problem: &str| DomainError::text("number", text, problem);
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(refuse("is not a decimal of the form 12 or 0.25"));
        }
        let fraction = fraction.trim_end_matches('0');
        let decimals = u8::try_from(fraction.len()).ok().filter(|&count| count <= MOST_DECIMALS);
        let decimals = decimals.ok_or_else(|| refuse("has more than 9 decimals"))?;
        let digits: i64 = format!("{whole}{fraction}").parse().map_err(|_| refuse("has too many digits"))?;
        Ok(Self { digits: if negative { -digits } else { digits }, decimals })
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From text, or from a TOML or JSON number. A floating-point literal is taken at its shortest
/// spelling, which is what its author typed.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Decimal;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a decimal number")
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Decimal, E> {
                Ok(Decimal::from_integer(value))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Decimal, E> {
                i64::try_from(value).map(Decimal::from_integer).map_err(E::custom)
            }
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Decimal, E> {
                value.to_string().parse().map_err(E::custom)
            }
            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Decimal, E> {
                value.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billionths_and_back_is_the_same_decimal() {
        for text in ["0", "1", "-3", "0.25", "3.1", "123456.000000001", "-0.5", "1000000000"] {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!(Decimal::from_billionths(decimal.billionths()), decimal);
        }
    }

    #[test]
    fn decimals_are_what_was_written() {
        for (text, shown) in
            [("0.10", "0.1"), ("-3", "-3"), ("-0.05", "-0.05"), ("12.0", "12"), ("007.5", "7.5")]
        {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), shown);
        }
        assert!("0.1".parse::<Decimal>().unwrap() < "0.11".parse().unwrap());
        for text in ["", "-", "1e3", ".5", "5.", "1.0000000001", "99999999999999999999", "+1", "NaN"] {
            assert!(text.parse::<Decimal>().is_err(), "{text:?} was accepted");
        }
    }
}
