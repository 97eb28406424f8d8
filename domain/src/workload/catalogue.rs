//! The public catalogue of bounty queries, and a bounty's query drawn from it.
//!
//! A provider attaches no query of its own making: it names one of the catalogue, whose digest goes
//! into the transaction. A query has a fixed price, so that what it costs a patient is known before
//! any record is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::model::{Dimension, Measure, MeasureKind, Period, TableQuery, Workload};
use crate::canonical;
use crate::date::CalendarDate;
use crate::digest::Digest;
use crate::error::DomainError;
use crate::privacy_loss::Rho;
use crate::scope::ValueSets;

/// Name of the table that goes with every answer: how many persons it rests on.
pub const CONTRIBUTORS: &str = "contributors";
/// Shares of a query's price: the answer, and the count of its contributors.
const SHARES: (u32, u32) = (4, 1);

/// A checked catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Name.
    pub name: String,
    /// Version, raised with every change.
    pub version: u32,
    /// One line for people.
    pub title: String,
    /// Queries by the name of their table.
    pub queries: BTreeMap<String, CatalogueQuery>,
}

/// A query with all that is needed to answer it, and its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueQuery {
    /// One line for people.
    pub title: String,
    /// Price: the privacy loss of the answer, at most, for a patient in it.
    pub rho: Rho,
    /// Which records count.
    pub period: Period,
    /// Noisy counts below this are withheld.
    pub small_cell_threshold: u32,
    /// The dimensions that the table uses.
    pub dimensions: BTreeMap<String, Dimension>,
    /// The value sets that they or the filter use.
    pub value_sets: ValueSets,
    /// The table.
    pub table: TableQuery,
}

/// A bounty's query: one of the catalogue, with the end of its window filled in.
///
/// The organisation is the provider that answers; it appears in the claim, not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BountyQuery {
    /// Name within the catalogue.
    pub name: String,
    /// Digest of the [`CatalogueQuery`], so that a changed catalogue is noticed.
    pub query: Digest,
    /// First day after the window.
    pub until: CalendarDate,
}

impl Catalogue {
    /// The query that a digest from a transaction means, with its name.
    pub fn by_digest(&self, digest: &Digest) -> Option<(&str, &CatalogueQuery)> {
        let found = self.queries.iter().find(|(_, query)| query.digest().is_ok_and(|own| own == *digest));
        found.map(|(name, query)| (name.as_str(), query))
    }
}

impl CatalogueQuery {
    /// Keccak-256 of the canonical encoding: what a transaction carries.
    ///
    /// # Errors
    /// None in practice: a checked query has a canonical encoding.
    pub fn digest(&self) -> Result<Digest, DomainError> {
        canonical::digest(self)
    }

    /// The same question as a workload for the pipeline: the query's table, and a noisy count of the persons with a
    /// row that passes its filter in its period. A fifth of the price buys the count.
    pub fn to_workload(&self) -> Workload {
        let (answer, count) = SHARES;
        let answer = TableQuery { weight: answer, ..self.table.clone() };
        let contributors = TableQuery {
            name: CONTRIBUTORS.to_owned(),
            of: self.table.of,
            dimensions: Vec::new(),
            measures: vec![Measure { kind: MeasureKind::PersonCount, weight: 1 }],
            filter: self.table.filter.clone(),
            rows_per_person: 1,
            weight: count,
        };
        Workload {
            name: self.table.name.clone(),
            version: 1,
            title: self.title.clone(),
            period: self.period,
            hierarchy: Vec::new(),
            small_cell_threshold: self.small_cell_threshold,
            dimensions: self.dimensions.clone(),
            value_sets: self.value_sets.clone(),
            tables: vec![answer, contributors],
        }
    }
}

impl BountyQuery {
    /// Keccak-256 of the canonical encoding.
    ///
    /// # Errors
    /// None in practice: names, digests and dates all have a canonical encoding.
    pub fn digest(&self) -> Result<Digest, DomainError> {
        canonical::digest(self)
    }
}
