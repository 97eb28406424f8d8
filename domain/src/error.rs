//! What can be wrong with a word of the domain.
//!
//! One enum for the crate. Its messages name the thing and the place; the caller adds the hint that
//! suits its user. It holds no input of a patient: the values quoted come from configuration and
//! documents, not from records.

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DomainError {
    /// A text that should be an exact number, date, digest, address or name is not.
    #[error("{what} {text:?} {problem}")]
    Text {
        /// The kind of value, such as "privacy loss" or "date".
        what: &'static str,
        /// The text as it was given, cut to a printable length.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value has no canonical encoding (a floating-point number, an integer beyond 2^53 - 1).
    #[error("no canonical encoding at {path}: {problem}")]
    Canonical {
        /// JSON path of the offending value.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Bytes decode to a valid document but are not its canonical encoding.
    #[error("the bytes of the {what} are not its canonical encoding (they differ at byte {position})")]
    NotCanonical {
        /// The kind of document.
        what: &'static str,
        /// Zero-based position of the first difference.
        position: usize,
    },
    /// Bytes do not decode to the document at all.
    #[error("the {what} does not decode: {problem}")]
    Decode {
        /// The kind of document.
        what: &'static str,
        /// The decoder's words.
        problem: String,
    },
    /// A document decodes but contradicts itself.
    #[error("{what}: {field} {problem}")]
    Document {
        /// The kind of document.
        what: &'static str,
        /// The field at fault.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A workload or catalogue file is not valid.
    #[error("{file}:{line}: {problem}")]
    Workload {
        /// The file's name as the caller gave it.
        file: String,
        /// One-based line number.
        line: usize,
        /// What is wrong on that line.
        problem: String,
    },
}

impl DomainError {
    /// A refused text. Texts are cut to 60 characters so that a message stays a line.
    pub(crate) fn text(what: &'static str, text: &str, problem: impl Into<String>) -> Self {
        Self::Text { what, text: text.chars().take(60).collect(), problem: problem.into() }
    }

    /// A document that contradicts itself.
    pub(crate) fn document(what: &'static str, field: &'static str, problem: impl Into<String>) -> Self {
        Self::Document { what, field, problem: problem.into() }
    }
}
