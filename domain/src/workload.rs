//! Workloads: which tables a release holds.
//!
//! A workload is written as TOML by a person, checked with line numbers, and from then on is a
//! value with one canonical encoding and one digest. Everything in it is public and fixed before
//! any record is read: the cells, the clamping bounds, the limit on each person's rows, the shares of
//! the budget. Queries of the catalogue ([`catalogue`]) are workloads of one table with a price.
//!
//! It says what to count, not how to add noise; that is the anonymizer's.

pub mod catalogue;
pub mod cells;
mod check;
mod file;
mod model;
mod reading;

pub use model::{
    CalendarUnit, Condition, Dimension, Level, Measure, MeasureKind, Period, TableQuery, Workload,
};
