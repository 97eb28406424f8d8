//! What a bundle is made of, before it is files.
//!
//! A caller gives parts; a [`Release`] is the whole whose every number is in its tables and whose every
//! word is in its manifest and query. The derived files are functions of a release alone.

use std::collections::BTreeMap;

use medrec_domain::manifest::{
    Assurance, BudgetStatement, License, MANIFEST_VERSION, Manifest, Occasion, PrivacyStatement,
    QueryReference, ReleasedTable, Software,
};
use medrec_domain::workload::catalogue::CatalogueQuery;
use medrec_domain::workload::cells::Window;
use medrec_domain::{Digest, DomainError, Workload, canonical};
use serde::Serialize;

use super::signature::Signer;
use crate::error::AnonymizerError;
use crate::figures::TableFigures;

/// The parts of a bundle.
#[derive(Clone)]
pub struct BundleInput<'a> {
    /// One line for people.
    pub title: String,
    /// Terms of use.
    pub license: License,
    /// What occasioned the release.
    pub occasion: Occasion,
    /// Days whose records count.
    pub window: Window,
    /// What was asked.
    pub query: QueryDocument,
    /// The guarantee.
    pub privacy: PrivacyStatement,
    /// How it is kept.
    pub assurance: Assurance,
    /// Budget before and after.
    pub budget: BudgetStatement,
    /// Root over the consents in force.
    pub consent_root: Option<Digest>,
    /// Software that made it.
    pub software: Software,
    /// The finished numbers.
    pub tables: &'a [TableFigures],
    /// The provider's key; a bundle without one says that it is unsigned.
    pub signer: Option<&'a dyn Signer>,
}

/// What was asked: `workload.json` holds its canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum QueryDocument {
    /// A workload.
    Workload(Workload),
    /// A query of the catalogue.
    Catalogue(CatalogueQuery),
}

impl QueryDocument {
    /// The question as a workload.
    pub fn workload(&self) -> Workload {
        match self {
            Self::Workload(workload) => workload.clone(),
            Self::Catalogue(query) => query.to_workload(),
        }
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// None in practice: a checked query has a canonical encoding.
    pub fn to_canonical_bytes(&self) -> Result<Vec<u8>, DomainError> {
        canonical::encode(self)
    }

    /// Reads canonical bytes, and no others.
    ///
    /// # Errors
    /// [`DomainError::Decode`] or [`DomainError::NotCanonical`].
    pub fn from_canonical_bytes(bytes: &[u8]) -> Result<Self, DomainError> {
        let workload = canonical::decode("workload", bytes).map(Self::Workload);
        workload.or_else(|error| {
            canonical::decode("catalogue query", bytes).map(Self::Catalogue).map_err(|_| error)
        })
    }

    /// How the manifest refers to it.
    ///
    /// # Errors
    /// As [`Self::to_canonical_bytes`].
    pub fn reference(&self) -> Result<QueryReference, DomainError> {
        let workload = self.workload();
        Ok(QueryReference {
            name: workload.name,
            version: workload.version,
            digest: canonical::digest(self)?,
            hierarchy: workload.hierarchy,
            small_cell_threshold: workload.small_cell_threshold,
        })
    }
}

/// A release as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The manifest, without files.
    pub manifest: Manifest,
    /// What was asked.
    pub query: QueryDocument,
    /// The finished numbers.
    pub tables: Vec<TableFigures>,
}

impl Release {
    /// Puts the parts together and checks that they agree.
    ///
    /// # Errors
    /// [`AnonymizerError::Domain`] when the manifest contradicts itself.
    pub fn new(input: &BundleInput<'_>) -> Result<Self, AnonymizerError> {
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            title: input.title.clone(),
            license: input.license.clone(),
            occasion: input.occasion.clone(),
            window_from: input.window.from,
            window_until: input.window.until,
            query: input.query.reference()?,
            privacy: input.privacy.clone(),
            assurance: input.assurance.clone(),
            budget: input.budget.clone(),
            consent_root: input.consent_root,
            tables: input.tables.iter().map(released_table).collect(),
            software: input.software.clone(),
            files: BTreeMap::new(),
        };
        manifest.check()?;
        Ok(Self { manifest, query: input.query.clone(), tables: input.tables.to_vec() })
    }
}

/// What the manifest says of a table.
fn released_table(table: &TableFigures) -> ReleasedTable {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    ReleasedTable {
        query: table.query.clone(),
        axes: table.axes.clone(),
        cells: table.axes.iter().map(|axis| count(axis.labels.len())).product(),
        noise: table.noise.clone(),
        withheld: count(table.figures.iter().filter(|figure| figure.withheld).count()),
    }
}
