//! A census finished: from the snapshot to stored shards under one root, and the bundle around a shard.
//!
//! ```text
//! caps set -> reserved -> noise stored -> shards stored (here) -> ledger committed -> root on chain (epoch.rs)
//! ```

use medrec_anonymizer::bundle::{
    self, BundleInput, FinishedTable, Padding, QueryDocument, ShardFile, content_digest, shard_leaf,
};
use medrec_anonymizer::figures::TableFigures;
use medrec_anonymizer::records::Progress;
use medrec_anonymizer::release::{self, Accounting, Outcome};
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::{Address, BlockNumber, BlockReference, ChainId, EpochNumber};
use medrec_domain::manifest::Occasion;
use medrec_domain::{Digest, keccak256, merkle};

use super::desk::{Desk, software};
use super::error::RewardsError;
use super::key::Key;
use super::rows::{EpochRow, Finished, ShardRow};
use super::snapshot::{Snapshot, nano_rho, random};
use super::store::AnswerKey;

/// Bundles of an epoch have a size that is a multiple of this.
const PADDING_BYTES: u64 = 16 << 10;
/// Room for what differs between two bundles of one shard: digits, hashes and how they compress.
const ROOM_BYTES: u64 = 4 << 10;

/// Which block a shard's bundle is made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Earner {
    pub(super) block: BlockReference,
    pub(super) miner: Address,
}

/// Names an epoch's census in the ledger, whatever blocks come and go.
pub(super) fn census_id(provider: Address, epoch: EpochNumber) -> Digest {
    keccak256_of(&[b"medrec census", &provider.0, &epoch.0.to_be_bytes()])
}

impl Desk {
    /// Finishes a census that was entered: its shards are stored when this returns. The size of bundles is measured with a key.
    pub(super) fn finish_epoch(
        &self,
        epoch: EpochNumber,
        row: &EpochRow,
        snapshot: &Snapshot,
        key: &Key,
        progress: &dyn Progress,
    ) -> Result<Finished, RewardsError> {
        let id = census_id(self.provider, epoch);
        let outcome = self.prepare(id, &row.terms, snapshot, Accounting::Uniform, progress)?;
        let Outcome::Prepared(tables) = outcome else {
            let what = format!("census of epoch {}", epoch.0);
            return Err(RewardsError::Contradiction {
                what,
                why: "it is committed, and its shards are not stored",
            });
        };
        progress.stage("finishing shards", None);
        let mut finished = self.statements(id, row, snapshot)?;
        let input = Self::input(row, &finished, self.placeholder(epoch, 0, &finished), &tables, key);
        let tables = bundle::finish(&input)?;
        let shards = seal(tables)?;
        let leaves = self.leaves(epoch, shards.iter().map(|(shard, _)| shard));
        finished.root = merkle::root(&leaves);
        finished.shards = u32::try_from(shards.len()).unwrap_or(u32::MAX);
        for (index, (shard, table)) in (0_u32..).zip(&shards) {
            let occasion = self.placeholder(epoch, index, &finished);
            let bytes = Self::pack(row, &finished, occasion, shard, table, &leaves, key, Padding::None)?;
            let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_add(ROOM_BYTES);
            finished.padded_bytes = finished.padded_bytes.max(bytes.next_multiple_of(PADDING_BYTES));
        }
        progress.stage("storing shards", None);
        let row = EpochRow { terms: row.terms.clone(), finished: Some(finished.clone()) };
        self.store.finish_epoch(epoch, &row, &shards)?;
        Ok(finished)
    }

    /// The bundle of the shard that a block earned: made once, the same bytes for ever.
    pub(super) fn shard(
        &self,
        epoch: EpochNumber,
        row: &EpochRow,
        index: u32,
        earner: Earner,
        key: &Key,
    ) -> Result<Vec<u8>, RewardsError> {
        let missing = |why| RewardsError::Contradiction { what: format!("census of epoch {}", epoch.0), why };
        let finished = row.finished.as_ref().ok_or_else(|| missing("it is not finished"))?;
        let shards = self.store.shards(epoch)?;
        let leaves = self.leaves(epoch, &shards);
        let shard = usize::try_from(index).ok().and_then(|index| shards.get(index));
        let shard = shard.ok_or_else(|| missing("a shard is missing"))?;
        let files = self.store.files(epoch, index, &shard.paths)?;
        let table = FinishedTable { table: shard.table.clone(), files };
        let occasion = self.occasion(epoch, index, finished, earner);
        let padding = Padding::ToBytes(finished.padded_bytes);
        let bytes = Self::pack(row, finished, occasion, shard, &table, &leaves, key, padding)?;
        self.store.keep_answer(AnswerKey::Shard(epoch, earner.block.hash), bytes)
    }

    /// What every bundle of the epoch says; root, shards and size come later.
    fn statements(&self, id: Digest, row: &EpochRow, snapshot: &Snapshot) -> Result<Finished, RewardsError> {
        let plan = row.terms.plan()?;
        let rho = plan.rho();
        let contradiction = |why| RewardsError::Contradiction { what: format!("census {id}"), why };
        let budget = release::budget(&self.ledger.statement()?, id);
        Ok(Finished {
            root: Digest::default(),
            consent_root: snapshot.root,
            snapshot: snapshot.block,
            cost_nano_rho: nano_rho(&rho).ok_or_else(|| contradiction("its cost has no number on chain"))?,
            rho,
            shards: u32::try_from(plan.tables.len()).unwrap_or(u32::MAX),
            padded_bytes: 0,
            license: self.license.clone(),
            privacy: release::privacy(&plan, true)?,
            assurance: release::assurance(true),
            budget: budget.ok_or_else(|| contradiction("it is not in the ledger"))?,
        })
    }

    fn leaves<'a>(&self, epoch: EpochNumber, shards: impl IntoIterator<Item = &'a ShardRow>) -> Vec<Digest> {
        let leaf = |(index, shard): (u32, &ShardRow)| {
            shard_leaf(self.provider, epoch, index, &shard.salt, &shard.content)
        };
        (0..).zip(shards).map(leaf).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "one row, one shard and what ties them together")]
    fn pack(
        row: &EpochRow,
        finished: &Finished,
        occasion: Occasion,
        shard: &ShardRow,
        table: &FinishedTable,
        leaves: &[Digest],
        key: &Key,
        padding: Padding,
    ) -> Result<Vec<u8>, RewardsError> {
        let Occasion::CensusShard { shard: index, .. } = &occasion else {
            return Err(RewardsError::Contradiction {
                what: "a shard".into(),
                why: "its occasion is another",
            });
        };
        let proof = usize::try_from(*index).ok().and_then(|index| merkle::proof(leaves, index));
        let seal = ShardFile::new(shard.content, shard.salt, proof.unwrap_or_default());
        let input = Self::input(row, finished, occasion, &[], key);
        let (_, files) = bundle::render_shard(&input, table, &seal)?;
        Ok(bundle::pack(&files, padding)?)
    }

    fn input<'a>(
        row: &EpochRow,
        finished: &Finished,
        occasion: Occasion,
        tables: &'a [TableFigures],
        key: &'a Key,
    ) -> BundleInput<'a> {
        BundleInput {
            title: row.terms.workload.title.clone(),
            license: finished.license.clone(),
            occasion,
            window: row.terms.window,
            query: QueryDocument::Workload(row.terms.workload.clone()),
            privacy: finished.privacy.clone(),
            assurance: finished.assurance.clone(),
            budget: finished.budget.clone(),
            consent_root: Some(finished.consent_root),
            software: software(),
            tables,
            signer: Some(key.as_ref()),
        }
    }

    fn occasion(&self, epoch: EpochNumber, index: u32, finished: &Finished, earner: Earner) -> Occasion {
        Occasion::CensusShard {
            block: earner.block,
            miner: earner.miner,
            provider: self.provider,
            epoch,
            shard: index,
            shards: finished.shards,
            release_root: finished.root,
        }
    }

    /// An occasion as long as any: what the padded size is measured with.
    fn placeholder(&self, epoch: EpochNumber, index: u32, finished: &Finished) -> Occasion {
        let hash = keccak256(b"placeholder");
        let mut miner = [0; 20];
        miner.copy_from_slice(&keccak256(&hash.0).0[..20]);
        let block = BlockReference {
            chain_id: ChainId(finished.snapshot.chain_id.0),
            number: BlockNumber(9_007_199_254_740_991),
            hash,
        };
        self.occasion(epoch, index, finished, Earner { block, miner: Address(miner) })
    }
}

/// Gives every table its salt.
fn seal(tables: Vec<FinishedTable>) -> Result<Vec<(ShardRow, FinishedTable)>, RewardsError> {
    let seal = |finished: FinishedTable| {
        let row = ShardRow {
            salt: Digest(random()?),
            content: content_digest(&finished.files)?,
            table: finished.table.clone(),
            paths: finished.files.keys().cloned().collect(),
        };
        Ok((row, finished))
    };
    tables.into_iter().map(seal).collect()
}
