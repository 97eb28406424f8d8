//! What can go wrong with stored tables, by what the user can do about it.

use super::header::HeaderError;
use crate::ethash::BuildError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a table could not be loaded, built or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk has no room.
    #[error(
        "{}: {needed_bytes} bytes are needed, and {}\n\nhint: free some room, or choose another folder",
        path.display(),
        available_bytes.map_or_else(|| "the disk is full".to_owned(), |bytes| format!("{bytes} are free"))
    )]
    DiskFull {
        /// The file that was to be written.
        path: PathBuf,
        /// Bytes that it still needs.
        needed_bytes: u64,
        /// Bytes that are free, where the system told.
        available_bytes: Option<u64>,
    },
    /// The machine has not enough memory.
    #[error(
        "{needed_bytes} bytes of memory are needed for the {what}, and {available_bytes} are available\n\n\
         hint: end other programs, or use a machine with more memory"
    )]
    MemoryShort {
        /// "cache" or "dataset".
        what: &'static str,
        /// Bytes needed.
        needed_bytes: u64,
        /// Bytes available, as the system told.
        available_bytes: u64,
    },
    /// Another process is building the same file.
    #[error(
        "{}: another process is building it\n\nhint: wait until it has finished, or choose another folder",
        path.display()
    )]
    Busy {
        /// The file under construction.
        path: PathBuf,
    },
    /// The system refused to read or write.
    #[error("{}: cannot {action}: {source}{}", path.display(), advice(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "open", "read" …
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The table could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => {
            "\n\nhint: make it readable and writable for this user, or choose another folder"
        }
        io::ErrorKind::ReadOnlyFilesystem => "\n\nhint: choose a folder on a disk that can be written",
        _ => "",
    }
}

impl StoreError {
    /// The error for a failed `action` on `path`; a full disk gets its own.
    pub(crate) fn io(path: &Path, action: &'static str, needed_bytes: u64) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull { path: path.to_owned(), needed_bytes, available_bytes: None }
            }
            _ => Self::Io { path: path.to_owned(), action, source },
        }
    }
}

/// What was wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// Its header.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Its table of digests.
    #[error("its table of digests does not have its digest")]
    Table,
    /// Some of its chunks.
    #[error("{chunks} of its chunks do not have their digests")]
    Chunks {
        /// How many.
        chunks: u32,
    },
}
