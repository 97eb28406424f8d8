//! Workloads and catalogues from their files, and those that come with the software.

use super::catalogue::Catalogue;
use super::check::{self, Source};
use super::model::Workload;
use crate::error::DomainError;

/// The census workload that comes with the software.
const CENSUS: &str = include_str!("../../workloads/census.toml");

/// The catalogue that comes with the software.
const STANDARD: &str = include_str!("../../workloads/catalogue.toml");

impl Workload {
    /// Reads and checks a workload file. `file` is its name for messages.
    ///
    /// # Errors
    /// [`DomainError::Workload`] with the file's name, the line and what is wrong there.
    pub fn parse(file: &str, text: &str) -> Result<Self, DomainError> {
        let source = Source { file, text };
        check::workload(&source, source.read()?)
    }

    /// The census workload that comes with the software (`domain/workloads/census.toml`).
    ///
    /// # Errors
    /// None in practice: a test reads it.
    pub fn census() -> Result<Self, DomainError> {
        Self::parse("census.toml", CENSUS)
    }
}

impl Catalogue {
    /// Reads and checks a catalogue file. `file` is its name for messages.
    ///
    /// # Errors
    /// [`DomainError::Workload`] with the file's name, the line and what is wrong there.
    pub fn parse(file: &str, text: &str) -> Result<Self, DomainError> {
        let source = Source { file, text };
        check::catalogue(&source, source.read()?)
    }

    /// The catalogue that comes with the software (`domain/workloads/catalogue.toml`).
    ///
    /// # Errors
    /// None in practice: a test reads it.
    pub fn standard() -> Result<Self, DomainError> {
        Self::parse("catalogue.toml", STANDARD)
    }
}
