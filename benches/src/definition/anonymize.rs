//! The job by which engines of differential privacy are compared: counts, sums and means by region and
//! condition of ten million rows.
//!
//! ```text
//! rows        person, region (51), condition (40), value 0..300; a person has 1 + Poisson(3) of them, one in a hundred 30 more
//! unit        a person with all her rows is added or removed; at most 32 rows of a person count
//! loss        epsilon 1 for counts and sums together; values clamped to 0..300
//! cells       51 x 40 = 2,040, public; none may be missing
//! ```
//!
//! The rows are generated once, as canonical Parquet, and everybody reads that one file. Ours is the
//! binary itself, started anew for each sample: reading, bounding, noise, ledger, bundle and report are all in
//! its time and memory. Rivals (`medrec-peers`) implement the same [`Contender`](crate::harness::Contender).
//!
//! What is not here: anything that makes noise.

mod job;
mod population;
mod records;
mod release;

pub use job::{BOUNDS, CONDITIONS, EPSILON, REGIONS, ROWS_PER_PERSON, WORKLOAD, cell};
pub use population::DEFAULT_SEED;
pub use records::{Data, Shape};
pub use release::{Release, checked};
