//! The words that every room of MedRec shares.
//!
//! Privacy loss as exact rationals, identifiers, the canonical tables' schema, consent documents,
//! workloads and catalogue queries, the bundle manifest; and for each of them one canonical
//! encoding and one hash, so that two rooms that agree on a value agree on its bytes.
//!
//! What it does not know: files, sockets, clocks, threads, chains, records. It is pure functions
//! over values, and every crate that it uses is small. How a privacy loss reads as epsilon at a
//! delta is the anonymizer's business, since only that room knows the noise library.

pub mod bounds;
pub mod canonical;
pub mod consent;
pub mod date;
pub mod decimal;
pub mod digest;
mod error;
pub mod identifier;
pub mod manifest;
pub mod merkle;
pub mod privacy_loss;
pub mod schema;
pub mod scope;
pub mod workload;

pub use bounds::Bounds;
pub use consent::ConsentDocument;
pub use date::CalendarDate;
pub use decimal::Decimal;
pub use digest::{Digest, keccak256};
pub use error::DomainError;
pub use manifest::Manifest;
pub use privacy_loss::Rho;
pub use scope::{ConditionScope, FieldScope, Purpose, Scope, ValueSet};
pub use workload::Workload;
