//! The readers against the shared datasets and against sources made here.
//!
//! The shared datasets lie beside the project, not in it: at `MEDREC_SHARED`, or in `../shared` next
//! to the workspace. A test that needs them fails where they are not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test that calls them")]

mod databases;
mod divide;
mod exact;
mod fhir;
mod flat;
mod mappings;
mod omop;
mod robustness;
mod safe_harbor;
mod servers;
mod sources;
mod synthea;
mod synthetic;
