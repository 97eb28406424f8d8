//! A file under check: its text, the places of its errors, and what its tables may refer to.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::super::file;
use super::super::model::Dimension;
use crate::error::DomainError;
use crate::scope::ValueSets;

/// The file's name and text, for messages.
pub(in crate::workload) struct Source<'a> {
    pub(in crate::workload) file: &'a str,
    pub(in crate::workload) text: &'a str,
}

impl Source<'_> {
    /// An error at a place of the text.
    pub(super) fn error(&self, span: &Range<usize>, problem: impl Into<String>) -> DomainError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        DomainError::Workload { file: self.file.to_owned(), line, problem: problem.into() }
    }

    pub(super) fn refuse<T>(
        &self,
        span: &Range<usize>,
        problem: impl Into<String>,
    ) -> Result<T, DomainError> {
        Err(self.error(span, problem))
    }

    pub(in crate::workload) fn read(&self) -> Result<file::File, DomainError> {
        toml::from_str(self.text).map_err(|error| {
            let problem = error.message().lines().collect::<Vec<_>>().join(", ");
            self.error(&error.span().unwrap_or(0..0), problem)
        })
    }

    /// A text parsed as `T`, or its error at its place.
    pub(super) fn parsed<T: std::str::FromStr<Err = DomainError>>(
        &self,
        text: &Spanned<String>,
    ) -> Result<T, DomainError> {
        text.as_ref().parse().map_err(|error: DomainError| self.error(&text.span(), error.to_string()))
    }

    /// A name: lower-case words and digits joined by `-` or `_`, starting with a letter.
    pub(super) fn name(&self, text: &Spanned<String>) -> Result<String, DomainError> {
        let name = text.as_ref();
        let good = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.len() <= 64
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if good {
            return Ok(name.clone());
        }
        self.refuse(&text.span(), format!("name {name:?} is not made of lower-case letters, digits, - and _"))
    }

    pub(super) fn positive(&self, number: Option<&Spanned<u32>>, what: &str) -> Result<u32, DomainError> {
        match number {
            None => Ok(1),
            Some(number) if (1..=1_000_000).contains(number.as_ref()) => Ok(*number.as_ref()),
            Some(number) => self.refuse(&number.span(), format!("{what} must lie between 1 and 1000000")),
        }
    }
}

/// What tables refer to: checked dimensions and value sets.
pub(super) struct Vocabulary {
    pub(super) dimensions: BTreeMap<String, Dimension>,
    pub(super) value_sets: ValueSets,
}
