//! What can go wrong while records are read or written.
//!
//! Messages name the file, the line, the column and the value, since whoever runs a reader holds the
//! data and has to find the row. They are for that person's terminal and log, never for a release
//! or a network: a value of a broken row may be personal.

use std::path::{Path, PathBuf};

/// A row that cannot be read as what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {column} {value:?} {problem}")]
pub struct BadRow {
    /// Name of the file, without its folder.
    pub file: String,
    /// One-based line on which the row starts.
    pub line: u64,
    /// Column, or path inside a JSON resource.
    pub column: String,
    /// The value as it stands there, cut to 60 characters.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Why a folder could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A file that the format cannot do without is not there.
    #[error("{folder} has no {file} (looked for it plain, as .gz and as .zst)")]
    MissingFile {
        /// The folder searched.
        folder: PathBuf,
        /// The file's name.
        file: String,
    },
    /// A file lacks a column that the format cannot do without.
    #[error("{file} has no column {column}")]
    MissingColumn {
        /// Name of the file.
        file: String,
        /// Name of the column, or the alternatives.
        column: String,
    },
    /// A row is broken and the caller asked to stop at the first.
    #[error(transparent)]
    BadRow(#[from] BadRow),
    /// A mapping file of a flat table is not valid.
    #[error("{file}:{line}: {problem}")]
    Mapping {
        /// Name of the mapping file.
        file: String,
        /// One-based line.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A Parquet file does not hold what its table should hold.
    #[error("{path}: {problem}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Arrow refused a batch: a defect of this software.
    #[error("building a batch of {table}: {problem}")]
    Batch {
        /// The table.
        table: &'static str,
        /// Arrow's words.
        problem: String,
    },
    /// The index of a source's records is damaged.
    #[error(
        "{path}: {problem}\n\nhint: the index is made from the source alone; delete it and open the source again"
    )]
    Store {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A database refused, or is not what its mapping says.
    #[error("{place}: {problem}")]
    Database {
        /// Kind of database, host and name; never a password.
        place: String,
        /// What it said.
        problem: String,
    },
    /// Options contradict themselves or exceed what is possible.
    #[error("{option} {problem}")]
    Option {
        /// Which option.
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The caller asked to stop.
    #[error("stopped on request")]
    Stopped,
}

impl DatasetError {
    /// An error of the operating system at `path`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_path_buf(), source }
    }

    /// An error of the Parquet library at `path`.
    pub(crate) fn parquet(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> Self + '_ {
        move |error| Self::Parquet { path: path.to_path_buf(), problem: error.to_string() }
    }
}

/// What is wrong inside a row, before its file and line are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowProblem {
    pub(crate) column: String,
    pub(crate) value: String,
    pub(crate) problem: String,
}

impl RowProblem {
    pub(crate) fn new(column: impl Into<String>, value: &str, problem: impl Into<String>) -> Self {
        Self { column: column.into(), value: value.chars().take(60).collect(), problem: problem.into() }
    }

    /// The problem with its place.
    pub(crate) fn at(self, file: &str, line: u64) -> BadRow {
        BadRow { file: file.to_owned(), line, column: self.column, value: self.value, problem: self.problem }
    }
}
