//! The manifest of a bundle: what was released, under which bounds, at which cost.
//!
//! Everything that a reader needs to judge the numbers, and everything that a verifier checks, with
//! a digest of each file. Its canonical bytes are what the provider signs. Fractions are exact texts;
//! there is no floating-point number, no time of day and nothing about the machine in it, so the
//! same release has the same manifest wherever it is written.

mod budget;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::date::CalendarDate;
use crate::decimal::Decimal;
use crate::digest::{Digest, keccak256};
use crate::error::DomainError;
use crate::identifier::{Address, BlockReference, EpochNumber};
use crate::privacy_loss::Rho;
use crate::workload::{Level, TableQuery};

pub use budget::{BudgetStatement, Charging};

/// Version of the manifest's form; a reader refuses any other.
pub const MANIFEST_VERSION: u32 = 1;

const WHAT: &str = "manifest";

/// The manifest of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
    /// One line for people.
    pub title: String,
    /// Terms under which the release may be used.
    pub license: License,
    /// What occasioned the release.
    pub occasion: Occasion,
    /// First day of the records that count.
    pub window_from: CalendarDate,
    /// First day after them.
    pub window_until: CalendarDate,
    /// What was asked.
    pub query: QueryReference,
    /// The guarantee.
    pub privacy: PrivacyStatement,
    /// How the guarantee is kept, in answers to the questions of NIST SP 800-226.
    pub assurance: Assurance,
    /// Budget of the data before and after this release.
    pub budget: BudgetStatement,
    /// Root over the consents in force; `None` where the data need no consent (stand-alone use).
    pub consent_root: Option<Digest>,
    /// The tables.
    pub tables: Vec<ReleasedTable>,
    /// Software that made it.
    pub software: Software,
    /// Every other file of the bundle except the signature, by its path with `/`.
    pub files: BTreeMap<String, FileDigest>,
}

/// Terms of use of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct License {
    /// SPDX identifier, such as `CC-BY-4.0`, or a short name.
    pub name: String,
    /// Where its text stands.
    pub url: String,
}

/// What occasioned a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Occasion {
    /// A shard of an epoch's census, earned by a block.
    CensusShard {
        /// The block that earned it.
        block: BlockReference,
        /// Who mined the block.
        miner: Address,
        /// Who released.
        provider: Address,
        /// Epoch of the census.
        epoch: EpochNumber,
        /// Zero-based number of the shard.
        shard: u32,
        /// Shards in all.
        shards: u32,
        /// Root over all shards, committed on chain before any block earned one.
        release_root: Digest,
    },
    /// The answer to a bounty.
    Bounty {
        /// The block whose miner owns it.
        block: BlockReference,
        /// Who mined the block.
        miner: Address,
        /// Who answered.
        provider: Address,
        /// Which bounty: its id on chain, the hash of its posting.
        bounty: Digest,
    },
    /// A release without a chain, on the data holder's own account.
    StandAlone {
        /// Who says that it released, in its own words; not verified.
        publisher: String,
    },
}

/// The workload or catalogue query that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryReference {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Digest of its canonical encoding.
    pub digest: Digest,
    /// Levels whose totals were made consistent.
    pub hierarchy: Vec<Level>,
    /// Noisy counts below this are withheld.
    pub small_cell_threshold: u32,
}

/// The guarantee and its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyStatement {
    /// Whom the guarantee protects, such as "one person with all her records".
    pub unit: String,
    /// Which inputs are neighbours, such as "add or remove one person".
    pub neighbouring: String,
    /// Total loss in rho-zCDP.
    pub rho: Rho,
    /// The same as epsilon at several deltas.
    pub epsilon: Vec<EpsilonAtDelta>,
    /// Who adds the noise, and whom that asks to be trusted.
    pub noise_by: String,
    /// What the guarantee does not say, one sentence each.
    pub not_covered: Vec<String>,
    /// Facts that were released exactly; empty means none.
    pub invariants: Vec<String>,
}

/// A loss read as approximate differential privacy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpsilonAtDelta {
    /// Delta in scientific notation, such as `1e-7`.
    pub delta: String,
    /// Epsilon, rounded up.
    pub epsilon: Decimal,
}

/// What NIST SP 800-226 (March 2025) asks beyond unit, neighbours, parameter and invariants: sentences for
/// people. They are statements of the releasing party; a verifier can check none of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assurance {
    /// How the bounds on one person's contribution are enforced.
    pub bounds_enforced_by: String,
    /// Who sees the records.
    pub records_seen_by: String,
    /// Who sees sums before noise is added.
    pub exact_sums_seen_by: String,
    /// Where the randomness comes from.
    pub randomness: String,
    /// What is done about timing, sizes, refusals and other side channels.
    pub side_channels: String,
    /// What several releases cost together.
    pub composition: String,
    /// Which bias the published figures have.
    pub bias: String,
    /// How the code was tested.
    pub tested_by: String,
}

/// Kinds of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mechanism {
    /// Discrete Gaussian; `scale` is sigma.
    DiscreteGaussian,
    /// Discrete Laplace; `scale` is the mean absolute deviation of its continuous kin.
    DiscreteLaplace,
}

/// A table of the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasedTable {
    /// What was asked: dimensions, bounds, contribution limit.
    pub query: TableQuery,
    /// Axes whose product is the finest cells, in output order. Together they name each dimension of the query once.
    pub axes: Vec<Axis>,
    /// Finest cells, which is the product of the axes' lengths.
    pub cells: u64,
    /// Noise of each measure at each level, in the order of the query's measures, finest level first.
    pub noise: Vec<MeasureNoise>,
    /// Figures withheld in the published table.
    pub withheld: u64,
}

/// An axis of a table: one dimension, or all dimensions of place together, since an organisation
/// lies in one region only and the other combinations do not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Names of the dimensions on this axis, in the query's order.
    pub dimensions: Vec<String>,
    /// Positions in output order, each with one label a dimension.
    pub labels: Vec<Vec<String>>,
}

/// Noise of one measure at one level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureNoise {
    /// Zero-based index of the measure in the query.
    pub measure: u32,
    /// Level of the hierarchy that was measured; `None` for the table's own, finest cells.
    pub level: Option<Level>,
    /// Which noise.
    pub mechanism: Mechanism,
    /// Its scale on the integer grid, exact.
    pub scale: Rho,
    /// Largest change that one person makes to the vector of integers: L1 for Laplace, L2 squared for
    /// Gaussian; an integer, written as a text since it may pass 2^53.
    pub sensitivity: Rho,
    /// Loss charged.
    pub rho: Rho,
}

/// Software that made a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// Size and digest of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Size in bytes.
    pub size_bytes: u64,
    /// Keccak-256 of the bytes.
    pub keccak256: Digest,
}

impl FileDigest {
    /// Size and digest of a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { size_bytes: bytes.len().try_into().unwrap_or(u64::MAX), keccak256: keccak256(bytes) }
    }
}

/// Axes, cells and noise of a table agree with its query.
fn check_table(table: &ReleasedTable) -> Result<(), DomainError> {
    let name = &table.query.name;
    let refuse = |problem| Err(DomainError::document(WHAT, "tables", format!("{name}: {problem}")));
    let product = table
        .axes
        .iter()
        .try_fold(1_u64, |product, axis| product.checked_mul(u64::try_from(axis.labels.len()).ok()?));
    if product != Some(table.cells) {
        return refuse("cells do not match the axes");
    }
    let mut named: Vec<&String> = table.axes.iter().flat_map(|axis| &axis.dimensions).collect();
    let mut asked: Vec<&String> = table.query.dimensions.iter().collect();
    named.sort_unstable();
    asked.sort_unstable();
    if named != asked {
        return refuse("axes do not match the dimensions");
    }
    if table.axes.iter().any(|axis| axis.labels.iter().any(|labels| labels.len() != axis.dimensions.len())) {
        return refuse("an axis has labels of another number of dimensions");
    }
    let measured = |index| table.noise.iter().any(|noise| usize::try_from(noise.measure) == Ok(index));
    if !(0..table.query.measures.len()).all(measured) {
        return refuse("noise does not match the measures");
    }
    Ok(())
}

impl Manifest {
    /// Checks what the manifest says about itself. Files and numbers are the verifier's business.
    ///
    /// # Errors
    /// [`DomainError::Document`] naming the field at fault.
    pub fn check(&self) -> Result<(), DomainError> {
        let refuse = |field, problem: String| Err(DomainError::document(WHAT, field, problem));
        if self.version != MANIFEST_VERSION {
            return refuse("version", format!("{} is not one that this software reads", self.version));
        }
        if self.window_from >= self.window_until {
            return refuse("window_until", format!("{} does not lie after window_from", self.window_until));
        }
        if &self.budget.spent_before + &self.privacy.rho != self.budget.spent_after {
            return refuse("budget", "before and after do not differ by rho".into());
        }
        // Prices of releases that charge each for what she is in may sum up to more; each alone may not.
        if self.privacy.rho > self.budget.cap {
            return refuse("budget", format!("rho passes the cap {}", self.budget.cap));
        }
        if self.budget.charging.is_everybody() && self.budget.spent_after > self.budget.cap {
            return refuse(
                "budget",
                format!("{} passes the cap {}", self.budget.spent_after, self.budget.cap),
            );
        }
        if self.tables.iter().flat_map(|table| &table.noise).map(|noise| &noise.rho).sum::<Rho>()
            > self.privacy.rho
        {
            return refuse("privacy", "the measures cost more than rho".into());
        }
        for table in &self.tables {
            check_table(table)?;
        }
        self.check_paths()
    }

    /// Paths stay inside the bundle: a verifier joins them to a folder.
    fn check_paths(&self) -> Result<(), DomainError> {
        let plain = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        };
        match self.files.keys().find(|path| !path.split('/').all(plain)) {
            None => Ok(()),
            Some(path) => {
                Err(DomainError::document(WHAT, "files", format!("{path:?} is not a path inside the bundle")))
            }
        }
    }

    /// The canonical bytes of `manifest.json`.
    ///
    /// # Errors
    /// What [`Self::check`] finds.
    pub fn to_canonical_bytes(&self) -> Result<Vec<u8>, DomainError> {
        self.check()?;
        canonical::encode(self)
    }

    /// Reads canonical bytes, and no others.
    ///
    /// # Errors
    /// [`DomainError::Decode`], [`DomainError::NotCanonical`], or what [`Self::check`] finds.
    pub fn from_canonical_bytes(bytes: &[u8]) -> Result<Self, DomainError> {
        let manifest: Self = canonical::decode(WHAT, bytes)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Keccak-256 of the canonical bytes: what the provider signs.
    ///
    /// # Errors
    /// As [`Self::to_canonical_bytes`].
    pub fn digest(&self) -> Result<Digest, DomainError> {
        self.to_canonical_bytes().map(|bytes| keccak256(&bytes))
    }
}
