//! What the file of releases and answers holds, as JSON.

use std::collections::BTreeSet;

use medrec_anonymizer::plan::{Budget, Plan};
use medrec_domain::identifier::BlockReference;
use medrec_domain::manifest::{Assurance, BudgetStatement, License, PrivacyStatement, ReleasedTable};
use medrec_domain::workload::cells::{PublicOrganisation, Window};
use medrec_domain::{Digest, Rho, Workload};
use serde::{Deserialize, Serialize};

use super::error::RewardsError;

/// What a release is planned from: public parameters, fixed before a record is read, so that a release that goes on after a
/// kill is the same release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    pub(super) workload: Workload,
    pub(super) rho: Rho,
    pub(super) window: Window,
    pub(super) organisations: Vec<PublicOrganisation>,
}

impl Terms {
    pub(super) fn plan(&self) -> Result<Plan, RewardsError> {
        Ok(Plan::new(&self.workload, Budget::Rho(self.rho.clone()), &self.organisations, self.window)?)
    }
}

/// An epoch's census.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EpochRow {
    pub(super) terms: Terms,
    /// `None` until its shards are stored.
    pub(super) finished: Option<Finished>,
}

/// A census whose shards are stored; what their bundles say alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Finished {
    pub(super) root: Digest,
    pub(super) consent_root: Digest,
    /// The block at which consents were looked up.
    pub(super) snapshot: BlockReference,
    pub(super) rho: Rho,
    pub(super) cost_nano_rho: u64,
    pub(super) shards: u32,
    /// Size of every bundle of the epoch.
    pub(super) padded_bytes: u64,
    pub(super) license: License,
    pub(super) privacy: PrivacyStatement,
    pub(super) assurance: Assurance,
    pub(super) budget: BudgetStatement,
}

/// A finished shard; its files are rows of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShardRow {
    pub(super) salt: Digest,
    pub(super) content: Digest,
    pub(super) table: ReleasedTable,
    pub(super) paths: BTreeSet<String>,
}

/// A bounty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BountyRow {
    pub(super) terms: Terms,
    /// Digest of the answer's manifest; `None` until the answer is stored.
    pub(super) manifest: Option<Digest>,
}
