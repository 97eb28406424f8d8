//! The audit: the privacy claim of the real pipeline, tried to refute, and the auditor tried on broken pipelines.
//!
//! Neighbours: a small population with and without the person with the most records (1,467 of them). Each of at least
//! 100,000 runs aggregates, draws and adds; what a run may see of the person is the noisy vectors of a table.
//! The lower bound found must not pass the claim, and must pass half of it, so that noise is not
//! wasted. Random bits come from a seeded generator behind the tests' door.

mod auditor;
mod claims;
mod mutants;
mod neighbours;
