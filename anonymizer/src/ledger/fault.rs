//! What can be the matter with a ledger, each with a hint.

use std::io;
use std::path::PathBuf;

/// Why the ledger refused or failed. The error around it names the ledger's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerFault {
    /// There is no such file. A ledger is never created in passing.
    #[error(
        "there is no ledger here\n\nhint: name the existing one, or create one where data are released for the first time"
    )]
    Missing,
    /// Something of that name is already there.
    #[error(
        "a file of that name exists already\n\nhint: open it, or choose another name; never delete a ledger whose data are still in use"
    )]
    Exists,
    /// Another process has it open.
    #[error(
        "another process has the ledger open\n\nhint: wait until it has finished; two must never spend one budget"
    )]
    Locked,
    /// The key file is missing, malformed or readable by others.
    #[error("its key file {} {problem}\n\nhint: {hint}", key.display())]
    KeyFile {
        /// The key file.
        key: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The key is not the one that the ledger was written with.
    #[error("the key in {} is not this ledger's\n\nhint: name the key file that was made with it", key.display())]
    WrongKey {
        /// The key file.
        key: PathBuf,
    },
    /// The file is no ledger, or bytes of it have changed.
    #[error(
        "the ledger is damaged: {problem}\n\nhint: restore the newest backup; releasing without it would forget what was spent"
    )]
    Damaged {
        /// Where it was noticed.
        problem: String,
    },
    /// A newer version wrote it.
    #[error(
        "the ledger has version {found}, and this software reads up to {supported}\n\nhint: use the newer software"
    )]
    Version {
        /// The file's version.
        found: u32,
        /// The newest known here.
        supported: u32,
    },
    /// The disk is full.
    #[error("the disk is full; nothing was charged\n\nhint: free some room and start again")]
    Full,
    /// The file or its folder cannot be written.
    #[error(
        "the ledger cannot be written: {source}\n\nhint: make the file and its folder writable for this user"
    )]
    NotWritable {
        /// The system's words.
        source: io::Error,
    },
    /// The system failed in another way.
    #[error("{source}")]
    System {
        /// The system's words.
        source: io::Error,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no randomness")]
    NoRandomness,
    /// A call does not fit the release's state. A mistake of the caller, who shows nobody this text.
    #[error("the ledger refuses: {problem}")]
    Conflict {
        /// A constant text.
        problem: &'static str,
    },
}

impl LedgerFault {
    /// The fault behind an error of the system.
    pub(super) fn of(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::AlreadyExists => Self::Exists,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { source }
            }
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Self::Damaged { problem: "it is no database".to_owned() }
            }
            _ => Self::System { source },
        }
    }

    /// A damage noticed at `place`.
    pub(super) fn damaged(place: &str) -> Self {
        Self::Damaged { problem: place.to_owned() }
    }

    /// A call that does not fit.
    pub(super) fn conflict(problem: &'static str) -> Self {
        Self::Conflict { problem }
    }
}

impl From<redb::StorageError> for LedgerFault {
    fn from(error: redb::StorageError) -> Self {
        match error {
            redb::StorageError::Io(source) => Self::of(source),
            redb::StorageError::Corrupted(_) => Self::damaged("a page of it is not what was written"),
            redb::StorageError::PreviousIo => Self::damaged("an earlier write failed; open it again"),
            other => Self::Damaged { problem: other.to_string() },
        }
    }
}

impl From<redb::DatabaseError> for LedgerFault {
    fn from(error: redb::DatabaseError) -> Self {
        match error {
            redb::DatabaseError::DatabaseAlreadyOpen => Self::Locked,
            redb::DatabaseError::Storage(error) => error.into(),
            other => Self::Damaged { problem: other.to_string() },
        }
    }
}

impl From<redb::TransactionError> for LedgerFault {
    fn from(error: redb::TransactionError) -> Self {
        match error {
            redb::TransactionError::Storage(error) => error.into(),
            other => Self::Damaged { problem: other.to_string() },
        }
    }
}

impl From<redb::TableError> for LedgerFault {
    fn from(error: redb::TableError) -> Self {
        match error {
            redb::TableError::Storage(error) => error.into(),
            _ => Self::damaged("a table of it is missing or of another kind"),
        }
    }
}

impl From<redb::CommitError> for LedgerFault {
    fn from(error: redb::CommitError) -> Self {
        match error {
            redb::CommitError::Storage(error) => error.into(),
            other => Self::Damaged { problem: other.to_string() },
        }
    }
}
