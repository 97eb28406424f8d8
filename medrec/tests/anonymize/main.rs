//! `medrec anonymize` and `medrec verify` as a user runs them: on a synthetic population, and on the shared
//! datasets, which lie beside the project at `MEDREC_SHARED` or in `../shared`. A test that needs them fails where they are
//! not.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test that calls them")]

mod process;
mod releases;
mod sources;
mod words;
