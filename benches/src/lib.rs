//! The benchmark harness of medrec: what is measured, how samples are taken, what is written down.
//!
//! A *definition* ([`definition`]) says what one unit of work is and how its answer is checked. Whoever
//! can do that work is a [`Contender`](harness::Contender): our engines, the machine's own limit, and
//! the rivals of `medrec-peers`, all on the same terms. The [`harness`] warms them up and samples them
//! in turns, so that a slow minute of the machine hits everybody; [`statistics`] reduce the samples to a
//! median with its spread; a [`Record`](record::Record) keeps every sample with the
//! [`machine`] and its [`noise`]; [`compare`] reads two of them.
//!
//! What is not here: rival crates (they live in `medrec-peers`), anything printed (the callers do),
//! `unsafe` code (the kernels' room).

pub mod accuracy;
pub mod compare;
pub mod definition;
pub mod error;
pub mod harness;
pub mod machine;
pub mod noise;
pub mod process;
pub mod record;
pub mod statistics;
pub mod utc;

pub use error::BenchError;
