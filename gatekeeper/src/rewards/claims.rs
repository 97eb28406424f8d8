//! Claims: who may collect what, decided at the chain's present head; no view, no answer.

use std::sync::Arc;

use alloy_primitives::Address;
use medrec_chain::{Head, Role, View};
use medrec_contracts::{Bounties, Relationships, hashes};
use medrec_domain::identifier::{BlockNumber, BlockReference, ChainId, EpochNumber};
use medrec_domain::manifest::Occasion;
use medrec_domain::workload::catalogue::CatalogueQuery;
use medrec_domain::workload::cells::Window;
use medrec_domain::{CalendarDate, Digest};
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{from_chain, from_word, to_chain, to_word};
use medrec_protocol::methods::claims::ShardBody;
use medrec_protocol::methods::provider::Posting;

use super::Rewards;
use super::answer::bounty_release_id;
use super::book::Watch;
use super::census::Earner;
use super::error::RewardsError;
use super::key::Key;
use super::records::organisations;
use super::rows::{BountyRow, EpochRow, Terms};
use super::snapshot::{CONFIRMATIONS, nano_rho};
use super::store::AnswerKey;

const DAY_S: u64 = 86_400;
/// Years before the end of a bounty's window that its query may look back.
const WINDOW_DAYS: i32 = 3_653;

impl Rewards {
    /// The bundle of the shard that a block earned its miner, for the key `signer`: the same bytes each time.
    ///
    /// # Errors
    /// [`RefusalCode::Unconfirmed`], [`RefusalCode::NotTheOwner`], [`RefusalCode::Unregistered`],
    /// [`RefusalCode::EarnsNothing`], [`RefusalCode::ChainUnavailable`] by [`RewardsError::code`], and failures of the disk.
    pub async fn claim_shard(&self, signer: Address, claim: &ShardBody) -> Result<Vec<u8>, RewardsError> {
        let view = self.sender.client().view().await?;
        let number = claim.number.0;
        if view.head().block.number < number.saturating_add(CONFIRMATIONS) {
            return Err(RefusalCode::Unconfirmed.into());
        }
        let block = view.at(number).await?;
        if from_word(block.head().block.hash) != claim.hash {
            return Err(RefusalCode::Unconfirmed.into());
        }
        if block.head().coinbase != signer {
            return Err(RefusalCode::NotTheOwner.into());
        }
        self.check_researcher(&view, signer).await?;
        let (epoch, row) = self.epoch_of(&view, number).await?.ok_or(RefusalCode::EarnsNothing)?;
        let index = row.finished.as_ref().and_then(|finished| {
            let root = to_word(finished.root);
            hashes::shard_index(to_word(claim.hash), self.account, epoch.0, root, finished.shards)
        });
        let index = index.ok_or(RefusalCode::EarnsNothing)?;
        let earner = Earner { block: self.reference(block.head()), miner: from_chain(signer) };
        let given = AnswerKey::Shard(epoch, earner.block.hash);
        if let Some(answer) = self.blocking(move |desk| desk.store.answer(given)).await? {
            return Ok(answer);
        }
        let key = self.key_at(&view, number).await?;
        self.blocking(move |desk| desk.shard(epoch, &row, index, earner, &key)).await
    }

    /// The answer to a bounty, for the key `signer`: the same bytes each time. The outbox has the answer's hash by then.
    ///
    /// # Errors
    /// [`RefusalCode::Unknown`], [`RefusalCode::NotInCatalogue`], [`RefusalCode::Unconfirmed`], [`RefusalCode::NotTheOwner`],
    /// [`RefusalCode::Unregistered`], [`RefusalCode::TooDear`], [`RefusalCode::ChainUnavailable`] by [`RewardsError::code`], and
    /// failures of records, ledger and disk.
    pub async fn claim_bounty(
        self: &Arc<Self>,
        signer: Address,
        posting: &Posting,
        watch: Watch,
    ) -> Result<Vec<u8>, RewardsError> {
        let (own, posting) = (Arc::clone(self), *posting);
        Self::to_the_end(async move { own.claim(signer, &posting, watch).await }).await
    }

    async fn claim(&self, signer: Address, posting: &Posting, watch: Watch) -> Result<Vec<u8>, RewardsError> {
        let _turn = self.turn.lock().await;
        if to_chain(posting.provider) != self.account {
            return Err(RefusalCode::Unknown.into());
        }
        let query = self.query_of(posting).ok_or(RefusalCode::NotInCatalogue)?.clone();
        let view = self.sender.client().view().await?;
        let update = update(posting);
        let bounty = from_word(hashes::bounty_id(&update));
        let owned = self.contracts.at(&view).ownership(to_word(bounty)).await?;
        let owned = owned.ok_or(RefusalCode::Unknown)?;
        if !owned.is_valid {
            return Err(RefusalCode::Unconfirmed.into());
        }
        if owned.owner != signer {
            return Err(RefusalCode::NotTheOwner.into());
        }
        self.check_researcher(&view, signer).await?;
        let row = match self.desk.store.bounty(bounty)? {
            Some(row) => row,
            None => self.enter_bounty(bounty, &query, owned.timestamp_s, &watch).await?,
        };
        let manifest = if let Some(manifest) = row.manifest {
            manifest
        } else {
            let block = self.reference(view.at(owned.block_number).await?.head());
            let (provider, miner) = (posting.provider, from_chain(owned.owner));
            let occasion = Occasion::Bounty { block, miner, provider, bounty };
            let key = self.key_at(&view, owned.block_number).await?;
            self.answer(bounty, query, row.terms, occasion, key, &watch).await?
        };
        watch.stage("committing in the ledger", None);
        let bytes = self.blocking(move |desk| {
            desk.ledger.commit(bounty_release_id(bounty), manifest, b"")?;
            desk.store.answer(AnswerKey::Bounty(bounty))
        });
        let bytes = bytes.await?.ok_or_else(|| RewardsError::Contradiction {
            what: format!("bounty {bounty}"),
            why: "its answer is not stored",
        })?;
        watch.stage("naming the answer on chain", None);
        self.name_answer(&view, bounty, &update, manifest).await?;
        watch.stage("named", None);
        Ok(bytes)
    }

    /// The price of a catalogue query as a posting has to state it, in units of 1e-9 rho.
    pub fn price_nano_rho(query: &CatalogueQuery) -> Option<u64> {
        nano_rho(&query.rho)
    }

    async fn answer(
        &self,
        bounty: Digest,
        query: CatalogueQuery,
        terms: Terms,
        occasion: Occasion,
        key: Key,
        watch: &Watch,
    ) -> Result<Digest, RewardsError> {
        watch.stage("looking consents up", None);
        let snapshot = self.snapshot().await?;
        let watch = Watch::clone(watch);
        self.blocking(move |desk| {
            desk.answer_bounty(bounty, &query, &terms, occasion, &snapshot, &key, watch.as_ref())
        })
        .await
    }

    /// The key that signs what a block earned: the one that spoke for the provider then.
    async fn key_at(&self, view: &View, block: u64) -> Result<Key, RewardsError> {
        let history = self.contracts.at(view).key_history(self.account).await?;
        let wanted = history.at(block).ok_or(RewardsError::NoKey { key: None, block })?;
        let key = self.keys.iter().find(|key| key.address() == from_chain(wanted));
        key.cloned().ok_or(RewardsError::NoKey { key: Some(wanted), block })
    }

    fn query_of(&self, posting: &Posting) -> Option<&CatalogueQuery> {
        let (_, query) = self.catalogue.by_digest(&posting.query_hash)?;
        (Self::price_nano_rho(query) == Some(posting.cost_nano_rho)).then_some(query)
    }

    /// Fixes what the answer is planned from: the days before the posting's block, unless the provider's data end earlier.
    async fn enter_bounty(
        &self,
        bounty: Digest,
        query: &CatalogueQuery,
        posted_s: u64,
        watch: &Watch,
    ) -> Result<BountyRow, RewardsError> {
        watch.stage("pricing", None);
        let posted = i32::try_from(posted_s / DAY_S).ok().and_then(CalendarDate::from_days);
        let day_after = posted.and_then(|day| day.plus_days(1));
        let until = self.options.bounty_until.or(day_after).ok_or(RefusalCode::Unknown)?;
        let from = until.plus_days(-WINDOW_DAYS).ok_or(RefusalCode::Unknown)?;
        let (workload, rho) = (query.to_workload(), query.rho.clone());
        self.blocking(move |desk| {
            let organisations = organisations(&desk.folder()?)?;
            let terms = Terms { workload, rho, window: Window { from, until }, organisations };
            desk.ledger.affordable(&terms.plan()?.rho())?;
            let row = BountyRow { terms, manifest: None };
            desk.store.put_bounty(bounty, &row, None)?;
            Ok(row)
        })
        .await
    }

    /// Sees to it that the chain names the answer.
    async fn name_answer(
        &self,
        view: &View,
        bounty: Digest,
        update: &Relationships::Update,
        manifest: Digest,
    ) -> Result<(), RewardsError> {
        match self.contracts.at(view).claim_of(to_word(bounty)).await?.1 {
            Some(named) if named == to_word(manifest) => return Ok(()),
            Some(_) => {
                let what = format!("bounty {bounty}");
                return Err(RewardsError::Contradiction { what, why: "another answer stands on chain" });
            }
            None => {}
        }
        let posting = Bounties::Update {
            provider: update.provider,
            patient: update.patient,
            recordsRoot: update.recordsRoot,
            queryHash: update.queryHash,
            costNanoRho: update.costNanoRho,
        };
        let call = Bounties::answerCall { posting, bundleHash: to_word(manifest) };
        self.post(&format!("bounty {bounty}"), self.contracts.act(&call)).await
    }

    /// Whether the key speaks for a registered researcher.
    async fn check_researcher(&self, view: &View, key: Address) -> Result<(), RewardsError> {
        let reader = self.contracts.at(view);
        let account = reader.account_of(key).await?.ok_or(RefusalCode::Unregistered)?;
        match reader.role_of(account).await? {
            Role::Researcher => Ok(()),
            _ => Err(RefusalCode::Unregistered.into()),
        }
    }

    /// The epoch that a block earns from: its commitment has 12 blocks, and that of the next one has not.
    async fn epoch_of(
        &self,
        view: &View,
        number: u64,
    ) -> Result<Option<(EpochNumber, EpochRow)>, RewardsError> {
        let reader = self.contracts.at(view);
        for (epoch, row) in self.desk.store.epochs()? {
            let Some(finished) = &row.finished else { continue };
            let Some(release) = reader.release_of(self.account, epoch.0).await? else { continue };
            let next = Some(release.nextCommittedAt).filter(|&next| next != 0);
            let starts = release.committedAt.saturating_add(CONFIRMATIONS) <= number;
            let lasts = next.is_none_or(|next| number < next.saturating_add(CONFIRMATIONS));
            if starts {
                let is_ours = from_word(release.root) == finished.root;
                return Ok((lasts && is_ours).then_some((epoch, row)));
            }
        }
        Ok(None)
    }

    fn reference(&self, head: &Head) -> BlockReference {
        BlockReference {
            chain_id: ChainId(self.contracts.chain_id),
            number: BlockNumber(head.block.number),
            hash: from_word(head.block.hash),
        }
    }
}

/// A posting in the contracts' words.
fn update(posting: &Posting) -> Relationships::Update {
    Relationships::Update {
        provider: to_chain(posting.provider),
        patient: to_chain(posting.patient),
        recordsRoot: to_word(posting.records_root),
        queryHash: to_word(posting.query_hash),
        costNanoRho: posting.cost_nano_rho,
    }
}
