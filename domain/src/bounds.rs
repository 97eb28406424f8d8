//! Clamping bounds of a measured value, and the integer grid inside them.
//!
//! Noise is added to integers only, so a value becomes one before anything is summed: it is clamped
//! to declared bounds, centred on their midpoint (which halves the sensitivity of a sum) and rounded
//! to a declared step. All three numbers are public and never depend on data.

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::error::DomainError;

/// Most steps between the bounds: units, their squares and the sums over a billion rows must fit the
/// integers that follow.
const MOST_STEPS: i128 = 1 << 31;

/// Declared bounds of a value: `lower` and `upper` in the value's own unit, `step` apart on a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Smaller values count as this one.
    pub lower: Decimal,
    /// Larger values count as this one.
    pub upper: Decimal,
    /// Distance of two grid points; `upper - lower` is a whole, even number of steps, so that the midpoint is
    /// a grid point.
    pub step: Decimal,
}

impl Bounds {
    /// Checks that the bounds are in order and that the grid fits them.
    ///
    /// # Errors
    /// [`DomainError::Document`] naming the number at fault.
    pub fn check(&self) -> Result<(), DomainError> {
        let refuse = |field, problem: String| Err(DomainError::document("bounds", field, problem));
        if self.lower >= self.upper {
            return refuse("lower", format!("{} is not below upper {}", self.lower, self.upper));
        }
        if !self.step.is_positive() {
            return refuse("step", format!("{} is not positive", self.step));
        }
        let (width, step) = (self.upper.billionths() - self.lower.billionths(), self.step.billionths());
        if width % (2 * step) != 0 {
            let width = format!("{} to {}", self.lower, self.upper);
            return refuse(
                "step",
                format!("{} does not divide {width} into an even number of steps", self.step),
            );
        }
        if width / step > MOST_STEPS {
            return refuse("step", format!("{} makes more than 2^31 steps", self.step));
        }
        Ok(())
    }

    /// Half the number of steps between the bounds: the largest absolute value of [`Self::units_of`].
    pub fn half_width_units(&self) -> i64 {
        let width = self.upper.billionths() - self.lower.billionths();
        i64::try_from(width / (2 * self.step.billionths().max(1))).unwrap_or(i64::MAX)
    }

    /// The value that 0 units stand for.
    pub fn midpoint(&self) -> f64 {
        f64::midpoint(self.lower.to_f64(), self.upper.to_f64())
    }

    /// The grid prepared for many values.
    pub fn grid(&self) -> UnitGrid {
        UnitGrid {
            lower: self.lower.to_f64(),
            upper: self.upper.to_f64(),
            midpoint: self.midpoint(),
            step: self.step.to_f64(),
            half_width: self.half_width_units(),
        }
    }

    /// As [`UnitGrid::units_of`].
    ///
    /// # Privacy
    /// As [`UnitGrid::units_of`].
    pub fn units_of(&self, value: f64) -> Option<i64> {
        self.grid().units_of(value)
    }

    /// The value that a number of units (a noisy mean of them, say) stands for.
    pub fn value_of(&self, units: f64) -> f64 {
        units.mul_add(self.step.to_f64(), self.midpoint())
    }
}

/// Bounds as the numbers that a loop over rows needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitGrid {
    lower: f64,
    upper: f64,
    midpoint: f64,
    step: f64,
    half_width: i64,
}

impl UnitGrid {
    /// Largest absolute value of [`Self::units_of`].
    pub const fn half_width(&self) -> i64 {
        self.half_width
    }

    /// The same as a real number.
    pub const fn half_width_real(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 2^30 steps")]
        let half_width = self.half_width as f64;
        half_width
    }

    /// `value` clamped, centred and rounded: a whole number of steps from the midpoint, within
    /// plus or minus [`Self::half_width`]. `None` for NaN, which is no value.
    ///
    /// # Privacy
    /// The result lies within the declared range whatever the input: the last clamp is on integers.
    pub fn units_of(&self, value: f64) -> Option<i64> {
        if value.is_nan() {
            return None;
        }
        let steps = ((value.clamp(self.lower, self.upper) - self.midpoint) / self.step).round();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float-to-integer cast saturates, and the clamp follows"
        )]
        let units = steps as i64;
        Some(units.clamp(-self.half_width, self.half_width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(lower: &str, upper: &str, step: &str) -> Bounds {
        Bounds { lower: lower.parse().unwrap(), upper: upper.parse().unwrap(), step: step.parse().unwrap() }
    }

    #[test]
    fn whatever_comes_in_stays_inside() {
        let iron = bounds("0", "300", "0.5");
        iron.check().unwrap();
        assert_eq!(iron.half_width_units(), 300);
        for value in [f64::NEG_INFINITY, -1.0, 0.0, 0.1, 149.9, 150.0, 300.0, 1e300, f64::INFINITY, f64::MAX]
        {
            let units = iron.units_of(value).unwrap();
            assert!((-300..=300).contains(&units), "{value} became {units}");
        }
        assert_eq!(iron.units_of(f64::NAN), None);
        assert_eq!(iron.units_of(150.3), Some(1));
        assert!((iron.value_of(1.0) - 150.5).abs() < 1e-12);
    }

    #[test]
    fn grids_that_do_not_fit_are_refused() {
        for (lower, upper, step) in
            [("1", "1", "1"), ("2", "1", "1"), ("0", "1", "0"), ("0", "1", "0.3"), ("0", "3", "1")]
        {
            assert!(bounds(lower, upper, step).check().is_err(), "{lower}..{upper} by {step} was accepted");
        }
        assert!(bounds("0", "1000000000", "0.000000001").check().is_err());
    }
}
