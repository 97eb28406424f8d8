//! The OpenCL part on a real driver: PoCL on any machine, whatever else is installed beside it.
//!
//! Nothing is skipped: without a driver the tests fail and say what to install. Speed is not tested here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod absence;
mod dataset;
mod far_offsets;
mod golden;
mod light;
mod limit;
mod listing;
mod races;
mod search;
mod search_edges;
mod support;
mod tuning;
