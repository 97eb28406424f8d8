//! A bounty answered: charged person by person, stored once, the same bytes for ever.

use medrec_anonymizer::bundle::{self, BundleInput, Padding, QueryDocument};
use medrec_anonymizer::records::Progress;
use medrec_anonymizer::release::{self, Accounting, Outcome};
use medrec_domain::Digest;
use medrec_domain::digest::keccak256_of;
use medrec_domain::manifest::Occasion;
use medrec_domain::workload::catalogue::CatalogueQuery;

use super::desk::{Desk, software};
use super::error::RewardsError;
use super::key::Key;
use super::rows::{BountyRow, Terms};
use super::snapshot::Snapshot;

/// Names a bounty in the ledger: by its posting and by no block, so that re-organisations and retries give the same bytes.
pub(super) fn bounty_release_id(bounty: Digest) -> Digest {
    keccak256_of(&[b"medrec bounty", &bounty.0])
}

impl Desk {
    /// Answers a bounty that was entered: the answer is stored when this returns. The manifest's digest.
    #[expect(clippy::too_many_arguments, reason = "everything that one answer is made of")]
    pub(super) fn answer_bounty(
        &self,
        bounty: Digest,
        query: &CatalogueQuery,
        terms: &Terms,
        occasion: Occasion,
        snapshot: &Snapshot,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Digest, RewardsError> {
        let id = bounty_release_id(bounty);
        let contradiction = |why| RewardsError::Contradiction { what: format!("bounty {bounty}"), why };
        let outcome = self.prepare(id, terms, snapshot, Accounting::Individual, progress)?;
        let Outcome::Prepared(tables) = outcome else {
            return Err(contradiction("it is committed, and its answer is not stored"));
        };
        progress.stage("writing the answer", None);
        let budget = release::budget(&self.ledger.statement()?, id);
        let input = BundleInput {
            title: query.title.clone(),
            license: self.license.clone(),
            occasion,
            window: terms.window,
            query: QueryDocument::Catalogue(query.clone()),
            privacy: release::privacy(&terms.plan()?, true)?,
            assurance: release::assurance(true),
            budget: budget.ok_or_else(|| contradiction("it is not in the ledger"))?,
            consent_root: Some(snapshot.root),
            software: software(),
            tables: &tables,
            signer: Some(key.as_ref()),
        };
        let (manifest, files) = bundle::render(&input)?;
        let manifest = manifest.digest()?;
        let bytes = bundle::pack(&files, Padding::None)?;
        progress.stage("storing the answer", None);
        let row = BountyRow { terms: terms.clone(), manifest: Some(manifest) };
        self.store.put_bounty(bounty, &row, Some(&bytes))?;
        Ok(manifest)
    }
}
