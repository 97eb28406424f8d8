//! What keeps a gatekeeper from starting or from going on. What a single request is refused with is a
//! [`RefusalCode`](medrec_protocol::RefusalCode), not one of these.

use std::io;
use std::path::{Path, PathBuf};

use medrec_chain::ChainError;
use medrec_datasets::DatasetError;
use medrec_domain::DomainError;

use crate::rewards::RewardsError;

/// What went wrong with the service as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatekeeperError {
    /// A file or folder of the gatekeeper cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The store cannot be used, or what is in it is not what was put in.
    #[error("{}: {why}", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// What happened.
        why: String,
    },
    /// A secret of an earlier run is missing or is none.
    #[error(
        "{}: {why}\n\nhint: restore the folder of the gatekeeper from a backup as a whole; a new key would make every pseudonym and every census another one",
        path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The audit log was changed, cut or mixed up.
    #[error(
        "{}: the audit log is damaged at entry {sequence}: {why}\n\nhint: compare with the head that the chain holds (`auditHeadOf`) and restore a backup; the log is never repaired in place",
        path.display()
    )]
    AuditDamaged {
        /// The store's file.
        path: PathBuf,
        /// The first entry that does not fit.
        sequence: u64,
        /// What does not fit.
        why: &'static str,
    },
    /// The clock of the machine stands before 1970, or there is no randomness.
    #[error("the operating system gave no {what}")]
    System {
        /// What was asked for.
        what: &'static str,
    },
    /// A task that the service cannot do without has ended.
    #[error("the task {name:?} ended: {why}")]
    Task {
        /// Its name.
        name: &'static str,
        /// Why.
        why: String,
    },
    /// The chain, or the outbox.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The records.
    #[error(transparent)]
    Records(#[from] DatasetError),
    /// Ledger and releases.
    #[error(transparent)]
    Rewards(#[from] RewardsError),
    /// A word of the domain is not valid.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

impl GatekeeperError {
    /// Names the file of an error of the system.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
