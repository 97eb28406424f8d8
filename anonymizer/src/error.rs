//! Why a release, a ledger or a bundle was refused.
//!
//! One enum for the crate, sorted by what the caller can do about it. Refusals that an outsider may see carry
//! constant texts: neither a count, nor a budget of one person, nor a value from a record is in
//! them, and error texts of the noise library are never passed on.

use std::path::PathBuf;

use medrec_domain::{DomainError, Rho};

use crate::ledger::fault::LedgerFault;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnonymizerError {
    /// A word of the domain is not valid.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The source of records failed; its message names the place.
    #[error("{0}")]
    Records(Box<dyn std::error::Error + Send + Sync>),
    /// The work was stopped by its caller. Nothing was published.
    #[error("stopped before anything was published")]
    Stopped,
    /// A plan asks for something that cannot be released within the integers that carry it.
    #[error("table {table}: {problem}")]
    Plan {
        /// Name of the table.
        table: String,
        /// What is wrong, from public parameters only.
        problem: String,
    },
    /// The release costs more than is left. Nothing was read, nothing was charged.
    #[error("the release costs rho {price}, and {left} of the budget is left")]
    TooDear {
        /// Price of the release.
        price: Rho,
        /// What is left of the provider's cap.
        left: Rho,
    },
    /// A bundle is not what it has to be, or cannot be made from what was given.
    #[error("{place}: {problem}")]
    Bundle {
        /// The file, folder or table.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// The place of a bundle is taken. Nothing was written.
    #[error("{}: there is something already\n\nhint: choose another folder, or ask for it to be replaced", path.display())]
    Exists {
        /// The folder or file.
        path: PathBuf,
    },
    /// The provider's key could not sign. Nothing was written.
    #[error("the bundle could not be signed: {0}")]
    Signing(Box<dyn std::error::Error + Send + Sync>),
    /// The noise could not be drawn. Nothing was published.
    #[error("the noise could not be drawn: {problem}")]
    Noise {
        /// A constant text.
        problem: &'static str,
    },
    /// A loss could not be read as epsilon and delta.
    #[error("no epsilon for the loss: {problem}")]
    Accounting {
        /// A constant text.
        problem: &'static str,
    },
    /// The budget ledger refused or failed. Nothing was charged beyond what it held before.
    #[error("{}: {fault}", path.display())]
    Ledger {
        /// The ledger's file.
        path: PathBuf,
        /// What is the matter, with a hint.
        fault: LedgerFault,
    },
}

impl AnonymizerError {
    /// For `map_err`: a failure of the system at a path.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// A bundle that is not what it has to be.
    pub(crate) fn bundle(place: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Bundle { place: place.into(), problem: problem.to_string() }
    }
}
