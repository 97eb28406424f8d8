//! What a checked workload is made of.
//!
//! Plain values with one canonical encoding; reading and checking files is told elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bounds::Bounds;
use crate::canonical;
use crate::date::CalendarDate;
use crate::decimal::Decimal;
use crate::digest::Digest;
use crate::error::DomainError;
use crate::schema::{Field, Table};
use crate::scope::ValueSets;

/// A checked workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Name: lower-case words joined by hyphens.
    pub name: String,
    /// Version, raised with every change that moves a number.
    pub version: u32,
    /// One line for people.
    pub title: String,
    /// Which records count.
    pub period: Period,
    /// Levels whose totals are made consistent, coarsest first; empty for none.
    pub hierarchy: Vec<Level>,
    /// Noisy counts below this are withheld; 0 withholds nothing.
    pub small_cell_threshold: u32,
    /// Dimensions by name.
    pub dimensions: BTreeMap<String, Dimension>,
    /// Value sets by id, for dimensions and filters.
    pub value_sets: ValueSets,
    /// Tables, in the order of the file.
    pub tables: Vec<TableQuery>,
}

/// Which records count, by their event date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// The window of the release: the census epoch, or what the caller names.
    Window,
    /// The last days of the window.
    LastDays(u32),
    /// From the first day (inclusive) until the last (exclusive), whatever the window.
    Between {
        /// First day.
        from: CalendarDate,
        /// First day after the last.
        until: CalendarDate,
    },
}

/// A level of the hierarchy nation > region > organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// A country.
    Nation,
    /// A division of it.
    Region,
    /// A provider organisation.
    Organisation,
}

/// Steps of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarUnit {
    /// Weeks that start on Monday (ISO 8601).
    Week,
    /// Months.
    Month,
    /// Quarters that start in January, April, July and October.
    Quarter,
    /// Years.
    Year,
}

/// A dimension with its declared domain. Cells exist whether or not a record falls into them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// The public list of organisations, or of their regions or nations; the row's own organisation.
    Level(Level),
    /// Declared words of a field; any other word falls into `other`.
    Values {
        /// The field.
        field: Field,
        /// Declared words, in output order, without `other`.
        values: Vec<String>,
    },
    /// Value sets of a code; the first set that holds the code takes the row, `other` the rest.
    ValueSets {
        /// The code's field.
        field: Field,
        /// Ids of value sets, in order of precedence and output.
        ids: Vec<String>,
    },
    /// Age in completed calendar years at the end of the window, in bands by their lower bounds.
    AgeBands(Vec<u8>),
    /// The event's date in steps of the calendar, over the period.
    Calendar(CalendarUnit),
}

/// One table of a release: measures in each cell of a product of dimensions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableQuery {
    /// Name of the output table.
    pub name: String,
    /// Canonical table whose rows are counted.
    pub of: Table,
    /// Names of dimensions; the cells are their product. None means one cell.
    pub dimensions: Vec<String>,
    /// What is measured in each cell.
    pub measures: Vec<Measure>,
    /// Rows that count: those that pass every condition.
    pub filter: Vec<Condition>,
    /// Most rows that one person contributes in all, over all cells (the sensitivity rests on it).
    pub rows_per_person: u32,
    /// Share of the release's budget, relative to the other tables' weights.
    pub weight: u32,
}

/// A condition of a filter: the field's word is one of those listed, or its code is in a value set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// Accepted words; empty when a value set is named.
    pub any_of: Vec<String>,
    /// Id of a value set; `None` when words are listed.
    pub value_set: Option<String>,
}

/// What is measured in a cell, with its share of the table's budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The measure.
    pub kind: MeasureKind,
    /// Share of the table's budget, relative to the other measures' weights.
    pub weight: u32,
}

/// The measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MeasureKind {
    /// Distinct persons.
    PersonCount,
    /// Rows.
    RowCount,
    /// Sum of a clamped value.
    Sum {
        /// The value's field.
        field: Field,
        /// Its bounds.
        bounds: Bounds,
    },
    /// Mean of a clamped value: a noisy sum over a noisy count.
    Mean {
        /// The value's field.
        field: Field,
        /// Its bounds.
        bounds: Bounds,
    },
    /// Counts in equal bins between the bounds.
    Histogram {
        /// The value's field.
        field: Field,
        /// Its bounds.
        bounds: Bounds,
        /// Number of bins.
        bins: u32,
    },
    /// Quantiles of a clamped value, from a noisy histogram over the grid.
    Quantiles {
        /// The value's field.
        field: Field,
        /// Its bounds.
        bounds: Bounds,
        /// Levels strictly between 0 and 1, ascending.
        levels: Vec<Decimal>,
    },
}

impl MeasureKind {
    /// Name in files and releases.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PersonCount => "person-count",
            Self::RowCount => "row-count",
            Self::Sum { .. } => "sum",
            Self::Mean { .. } => "mean",
            Self::Histogram { .. } => "histogram",
            Self::Quantiles { .. } => "quantiles",
        }
    }

    /// The field and bounds of measures over values; `None` for counts.
    pub const fn value(&self) -> Option<(&Field, &Bounds)> {
        match self {
            Self::PersonCount | Self::RowCount => None,
            Self::Sum { field, bounds }
            | Self::Mean { field, bounds }
            | Self::Histogram { field, bounds, .. }
            | Self::Quantiles { field, bounds, .. } => Some((field, bounds)),
        }
    }
}

impl Workload {
    /// Keccak-256 of the canonical encoding: two files that differ in comments or order of keys agree.
    ///
    /// # Errors
    /// None in practice: a checked workload has a canonical encoding.
    pub fn digest(&self) -> Result<Digest, DomainError> {
        canonical::digest(self)
    }
}
