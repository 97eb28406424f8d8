//! The mechanisms' error. The noise library's own words end where it is made: they can hold budgets.

use crate::error::AnonymizerError;

/// A constant text for what went wrong.
pub(super) fn noise(problem: &'static str) -> AnonymizerError {
    AnonymizerError::Noise { problem }
}
