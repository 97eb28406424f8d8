//! What can go wrong while measuring, and what the reader can do about it.

use std::io;
use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A contender's answer differs from the known one, so its speed means nothing.
    #[error("{contender} gives a wrong answer for {case}: expected {expected}, got {actual}")]
    WrongAnswer {
        /// Who was checked.
        contender: String,
        /// The input.
        case: String,
        /// The known answer, in hexadecimal.
        expected: String,
        /// Its own answer, in hexadecimal.
        actual: String,
    },
    /// A contender failed to do its work.
    #[error("{contender} failed: {reason}")]
    Contender {
        /// Who failed.
        contender: String,
        /// Its own words.
        reason: String,
    },
    /// Somebody asked to stop.
    #[error("stopped before the measurement was complete")]
    Stopped,
    /// A plan without samples, or with samples of no length.
    #[error("cannot measure: {reason}")]
    Plan {
        /// What the plan lacks.
        reason: &'static str,
    },
    /// A record could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file is not a record.
    #[error("{}: not a benchmark record: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where the text stops making sense.
        source: serde_json::Error,
    },
    /// A record of a schema that this version does not know.
    #[error("{}: schema version {found}, this version reads {expected}", path.display())]
    SchemaVersion {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version of this code.
        expected: u32,
    },
    /// Two records that measure different things.
    #[error("cannot compare a record of {left} with one of {right}")]
    DifferentBenchmarks {
        /// Benchmark of the first record.
        left: String,
        /// Benchmark of the second record.
        right: String,
    },
}
