//! A workload file as it is written, before it is checked.
//!
//! Each value whose meaning can be wrong carries its place in the text, so that a message can name
//! the line. Unknown keys are errors: a misspelt limit must not be a limit that is not there.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::decimal::Decimal;
use crate::scope::ValueSet;

type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: Text,
    pub(super) version: Spanned<u32>,
    pub(super) title: Text,
    pub(super) period: Option<Spanned<Period>>,
    #[serde(default)]
    pub(super) hierarchy: Vec<Text>,
    pub(super) small_cell_threshold: Option<u32>,
    #[serde(default)]
    pub(super) dimensions: BTreeMap<Text, Spanned<Dimension>>,
    #[serde(default)]
    pub(super) value_sets: BTreeMap<Text, Spanned<ValueSet>>,
    #[serde(default)]
    pub(super) tables: Vec<Spanned<Table>>,
    #[serde(default)]
    pub(super) queries: Vec<Spanned<Query>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Period {
    pub(super) last_days: Option<u32>,
    pub(super) from: Option<Text>,
    pub(super) until: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dimension {
    pub(super) level: Option<Text>,
    pub(super) field: Option<Text>,
    pub(super) values: Option<Vec<Text>>,
    pub(super) value_sets: Option<Vec<Text>>,
    pub(super) age_bands: Option<Spanned<Vec<u8>>>,
    pub(super) calendar: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) name: Text,
    pub(super) of: Text,
    #[serde(default)]
    pub(super) dimensions: Vec<Text>,
    pub(super) measures: Spanned<Vec<Spanned<Measure>>>,
    #[serde(default)]
    pub(super) filter: Vec<Spanned<Condition>>,
    pub(super) rows_per_person: Option<Spanned<u32>>,
    pub(super) weight: Option<Spanned<u32>>,
}

/// A query of a catalogue: a table with a price and a period of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    pub(super) title: Text,
    pub(super) rho: Text,
    pub(super) period: Option<Spanned<Period>>,
    pub(super) table: Spanned<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    pub(super) field: Text,
    pub(super) any_of: Option<Vec<String>>,
    pub(super) value_set: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    pub(super) kind: Text,
    pub(super) field: Option<Text>,
    pub(super) lower: Option<Decimal>,
    pub(super) upper: Option<Decimal>,
    pub(super) step: Option<Decimal>,
    pub(super) bins: Option<Spanned<u32>>,
    pub(super) levels: Option<Spanned<Vec<Decimal>>>,
    pub(super) weight: Option<Spanned<u32>>,
}
