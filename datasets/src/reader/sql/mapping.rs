//! The mapping of a database: which of its tables and columns hold what the canonical tables ask for.
//!
//! The mapping names tables, columns and joins; it holds no SQL. Names must look like names, and this
//! software quotes them. Unknown keys, unknown aliases, and words where none can be are
//! errors with their line: a mapping that is misspelt must not silently map nothing. docs/DATA.md
//! documents the file with an example.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use toml::Spanned;

use crate::error::DatasetError;

/// The file as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Words that mean missing, beside NULL and the empty text.
    #[serde(default)]
    pub(super) missing: Vec<String>,
    pub(super) person: PersonSection,
    pub(super) organisation: Option<OrganisationSection>,
    pub(super) encounter: Option<EncounterSection>,
    #[serde(default)]
    pub(super) conditions: Vec<EventSection>,
    #[serde(default)]
    pub(super) measurements: Vec<EventSection>,
    #[serde(default)]
    pub(super) medications: Vec<EventSection>,
    #[serde(default)]
    pub(super) procedures: Vec<EventSection>,
}

/// A name of the database, or a reference to a column.
pub(super) type Name = Spanned<String>;

/// A table joined to those before it; rows without a partner stay.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    pub(super) table: Name,
    #[serde(rename = "as")]
    pub(super) alias: Option<Name>,
    /// Pairs of equal columns: one of a table before, one of this table.
    pub(super) on: BTreeMap<Name, Name>,
}

/// Rows that count: those whose column holds one of these words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Only {
    pub(super) column: Name,
    pub(super) is: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonSection {
    pub(super) table: Name,
    #[serde(default)]
    pub(super) joins: Vec<Join>,
    #[serde(default)]
    pub(super) only: Vec<Only>,
    pub(super) id: Name,
    pub(super) birth_date: Option<Name>,
    pub(super) death_date: Option<Name>,
    pub(super) sex: Option<Spanned<Value>>,
    pub(super) race: Option<Spanned<Value>>,
    pub(super) ethnicity: Option<Spanned<Value>>,
    pub(super) region: Option<Spanned<Value>>,
    pub(super) zip: Option<Name>,
    pub(super) organisation: Option<Spanned<Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganisationSection {
    pub(super) table: Name,
    #[serde(default)]
    pub(super) joins: Vec<Join>,
    #[serde(default)]
    pub(super) only: Vec<Only>,
    pub(super) id: Name,
    pub(super) name: Option<Name>,
    pub(super) region: Option<Spanned<Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EncounterSection {
    pub(super) table: Name,
    #[serde(default)]
    pub(super) joins: Vec<Join>,
    #[serde(default)]
    pub(super) only: Vec<Only>,
    pub(super) id: Name,
    pub(super) person: Name,
    pub(super) class: Spanned<Value>,
    pub(super) organisation: Option<Spanned<Value>>,
    pub(super) start_date: Name,
    pub(super) end_date: Option<Name>,
    pub(super) code: Option<Spanned<Value>>,
    pub(super) system: Option<Spanned<Value>>,
}

/// Conditions, measurements, medications or procedures of one table. Which keys a kind may have is
/// checked where the section is compiled.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventSection {
    pub(super) table: Name,
    #[serde(default)]
    pub(super) joins: Vec<Join>,
    #[serde(default)]
    pub(super) only: Vec<Only>,
    pub(super) person: Name,
    pub(super) encounter: Option<Name>,
    pub(super) organisation: Option<Spanned<Value>>,
    pub(super) code: Spanned<Value>,
    pub(super) system: Spanned<Value>,
    pub(super) date: Option<Name>,
    pub(super) start_date: Option<Name>,
    pub(super) end_date: Option<Name>,
    pub(super) category: Option<Spanned<Value>>,
    pub(super) value: Option<Name>,
    pub(super) unit: Option<Spanned<Value>>,
    pub(super) answer: Option<Spanned<Value>>,
}

/// Words of a column, renamed where `map` says so, or one word for all rows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    column: Option<String>,
    constant: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, String>,
}

/// As [`Words`]; a column alone may be written as its name.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) column: Option<String>,
    pub(super) constant: Option<String>,
    pub(super) map: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Value;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a column's name, or a table with column or constant")
            }
            fn visit_str<E>(self, column: &str) -> Result<Value, E> {
                Ok(Value { column: Some(column.to_owned()), constant: None, map: BTreeMap::new() })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                let Words { column, constant, map } = Words::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Value { column, constant, map })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What is wrong with a mapping, and at which byte.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) at: usize,
    pub(super) problem: String,
}

impl Refusal {
    /// A problem with what stands at a span.
    pub(super) fn new<T>(place: &Spanned<T>, problem: impl Into<String>) -> Self {
        Self { at: place.span().start, problem: problem.into() }
    }
}

/// The error of a byte of a mapping file, by its line.
pub(super) fn refuse(file: &str, text: &str, at: usize, problem: String) -> DatasetError {
    let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    DatasetError::Mapping { file: file.to_owned(), line, problem }
}

/// Reads the file; what it says is checked where it is compiled.
pub(super) fn parse(file: &str, text: &str) -> Result<File, DatasetError> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        refuse(file, text, at, error.message().lines().collect::<Vec<_>>().join(", "))
    })
}
