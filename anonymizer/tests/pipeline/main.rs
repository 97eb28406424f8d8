//! The pipeline from records to exact integers, figures and releases, against plain re-implementations.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "helpers of tests fail the test that calls them, and their numbers are small"
)]

mod aggregates;
mod audit;
mod coverage;
mod masks;
mod plain;
mod population;
mod regressions;
mod releases;
