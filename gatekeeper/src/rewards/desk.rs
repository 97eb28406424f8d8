//! Where releases are made: ledger, records, keys and the file of what was made. Blocks; knows no chain client.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use medrec_anonymizer::aggregate::Options;
use medrec_anonymizer::bounding::BoundingKey;
use medrec_anonymizer::consent::Consents;
use medrec_anonymizer::ledger::Ledger;
use medrec_anonymizer::records::Progress;
use medrec_anonymizer::release::{self, Accounting, Outcome, Request};
use medrec_datasets::Folder;
use medrec_domain::identifier::Address;
use medrec_domain::manifest::{License, Software};
use medrec_domain::scope::ValueSets;
use medrec_domain::{Digest, Rho};

use super::book::RecordStore;
use super::error::RewardsError;
use super::records::FolderRecords;
use super::rows::Terms;
use super::snapshot::Snapshot;
use super::store::Store;

/// Everything that a release is made with.
pub(super) struct Desk {
    pub(super) provider: Address,
    pub(super) ledger: Ledger,
    pub(super) store: Store,
    pub(super) records: Arc<dyn RecordStore>,
    pub(super) bounding: BoundingKey,
    pub(super) value_sets: ValueSets,
    pub(super) memory_bytes: u64,
    pub(super) license: License,
}

/// Opens ledger and store of a folder. The ledger is made together with the store, never in passing.
pub(super) fn open_folder(folder: &Path, cap: &Rho) -> Result<(Ledger, Store), RewardsError> {
    let storage =
        |source: std::io::Error| RewardsError::Storage { path: folder.into(), why: source.to_string() };
    fs::create_dir_all(folder).map_err(storage)?;
    let path = |name: &str| -> PathBuf { folder.join(name) };
    let (ledger, key, store) = (path("ledger.redb"), path("ledger.key"), path("releases.redb"));
    let ledger = if store.exists() || ledger.exists() {
        Ledger::open(&ledger, &key)?
    } else {
        Ledger::create(&ledger, &key, cap)?
    };
    Ok((ledger, Store::open(&store)?))
}

/// The software that makes bundles.
pub(super) fn software() -> Software {
    Software { name: "medrec".into(), version: env!("CARGO_PKG_VERSION").into() }
}

impl Desk {
    /// The records as they are now.
    pub(super) fn folder(&self) -> Result<Folder, RewardsError> {
        self.records.folder().map_err(|source| RewardsError::Source { what: "the records", source })
    }

    /// Figures of a release: caps set, budget reserved, noise drawn once.
    pub(super) fn prepare(
        &self,
        id: Digest,
        terms: &Terms,
        snapshot: &Snapshot,
        accounting: Accounting,
        progress: &dyn Progress,
    ) -> Result<Outcome, RewardsError> {
        progress.stage("setting caps", None);
        self.ledger.set_caps(snapshot.caps.clone())?;
        let plan = terms.plan()?;
        let records = FolderRecords::open(&self.folder()?)?;
        let consents = Consents::of(snapshot.persons.clone(), self.value_sets.clone(), Some(snapshot.root));
        let mut options = Options::new(self.bounding.clone());
        options.memory_bytes = self.memory_bytes;
        let request =
            Request { id, plan: &plan, records: &records, consents: &consents, options, accounting };
        Ok(release::prepare(&request, &self.ledger, progress)?)
    }
}
