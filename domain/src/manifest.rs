//! The manifest of a bundle: what was released, under which bounds, at which cost.
//!
//! Everything that a reader needs to judge the numbers, and everything that a verifier checks, with
//! a digest of each file. Its canonical bytes are what the provider signs. Fractions are exact texts;
//! there is no floating-point number, no time of day and nothing about the machine in it, so the
//! same release has the same manifest wherever it is written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::date::CalendarDate;
use crate::decimal::Decimal;
use crate::digest::{Digest, keccak256};
use crate::error::DomainError;
use crate::identifier::{Address, BlockReference, BountyId, EpochNumber};
use crate::privacy_loss::Rho;
use crate::workload::{Level, TableQuery};

/// Version of the manifest's form; a reader refuses any other.
pub const MANIFEST_VERSION: u32 = 1;

const WHAT: &str = "manifest";

/// The manifest of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u32,
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
        /// Which bounty.
        bounty: BountyId,
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

/// Budget before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetStatement {
    /// Most that may ever be spent.
    pub cap: Rho,
    /// Spent before this release.
    pub spent_before: Rho,
    /// Spent with it.
    pub spent_after: Rho,
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
    /// Labels of the cells of each dimension, in order.
    pub domains: BTreeMap<String, Vec<String>>,
    /// Cells, which is the product of the domains.
    pub cells: u64,
    /// Noise of each measure, in the order of the query's measures.
    pub noise: Vec<MeasureNoise>,
    /// Cells withheld in the published table.
    pub withheld: u64,
}

/// Noise of one measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureNoise {
    /// Which noise.
    pub mechanism: Mechanism,
    /// Its scale on the integer grid, exact.
    pub scale: Rho,
    /// Largest change that one person makes: L1 for Laplace, L2 squared for Gaussian; in grid units.
    pub sensitivity: u64,
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
        if self.budget.spent_after > self.budget.cap {
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
            let product = table
                .domains
                .values()
                .try_fold(1_u64, |product, labels| product.checked_mul(u64::try_from(labels.len()).ok()?));
            if product != Some(table.cells) || table.withheld > table.cells {
                return refuse("tables", format!("{}: cells do not match the domains", table.query.name));
            }
            if !table.query.dimensions.iter().all(|name| table.domains.contains_key(name))
                || table.query.dimensions.len() != table.domains.len()
            {
                return refuse(
                    "tables",
                    format!("{}: domains do not match the dimensions", table.query.name),
                );
            }
            if table.noise.len() != table.query.measures.len() {
                return refuse("tables", format!("{}: noise does not match the measures", table.query.name));
            }
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
