//! From consented records to differentially private tables.
//!
//! ```text
//! workload + budget + public lists --plan--> cells, sensitivities, noise scales, prices   (no record read)
//! records --consent mask--> rows --bound--> exact integers a cell --noise--> noisy integers --post-process--> figures
//!                                             ledger: reserve -> draw -> commit
//! figures --bundle--> a folder that anyone can verify
//! ```
//!
//! Everything left of the noise is secret, everything right of it is public; the guarantee of each
//! step is written beside its code in `PROOF.md`. This room knows no chain, no HTTP, no file format of a
//! hospital: rows reach it as Arrow batches ([`records::Records`]), and it is the only one that knows the
//! noise library.

pub mod accounting;
pub mod aggregate;
pub mod bounding;
pub mod bundle;
pub mod consent;
mod error;
pub mod figures;
pub mod ledger;
pub mod mechanism;
pub mod plan;
pub mod postprocess;
pub mod records;
pub mod release;

pub use error::AnonymizerError;
