//! Requests to a gatekeeper: what a signature covers, and how everything travels.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test that calls them")]

mod envelopes;
mod forms;
