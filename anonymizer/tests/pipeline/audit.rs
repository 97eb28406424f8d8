//! The audit: the privacy claim of the real pipeline, tried to refute, and the auditor tried on broken pipelines.
//!
//! Neighbours: a small population with and without the person with the most records (1,467 of them). Every claim is
//! audited with 100,000 runs of the whole pipeline (50,000 on each side), mutants with 100,000
//! draws; each run draws and adds, and what it may see of the person is the noisy vectors of a table.
//! The lower bound found must not pass the claim, and must pass half of it, so that noise is not
//! wasted. Random bits come from a seeded generator behind the tests' door.

mod auditor;
mod claims;
mod mutants;
mod neighbours;
