//! A census epoch, from the provider's word to the root on chain. Every step is on the disk before the next one begins.
//!
//! ```text
//! priced -> entered -> snapshot -> reserved -> noise stored -> shards stored -> ledger committed -> accepted by the outbox
//! ```
//!
//! A process that dies anywhere goes on when the epoch is asked for again. Until shards are stored a new snapshot is
//! taken, so a consent that was revoked meanwhile is out; the charge stands and the noise is used again.

use std::sync::Arc;

use medrec_contracts::Releases;
use medrec_domain::identifier::{BlockNumber, EpochNumber};
use medrec_domain::workload::cells::Window;
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{from_word, to_word};
use medrec_protocol::methods::provider::EpochAnswer;

use super::Rewards;
use super::book::Watch;
use super::census::census_id;
use super::error::RewardsError;
use super::records::organisations;
use super::rows::{EpochRow, Finished, Terms};
use super::snapshot::nano_rho;

impl Rewards {
    /// Makes the census of an epoch and has its root committed on chain, or says how far that is.
    ///
    /// It returns when the outbox has accepted the commitment; ask again to learn the block that carries it.
    ///
    /// # Errors
    /// [`RefusalCode::Conflict`] for an epoch with another window, one that is not above the last, or while an earlier one is not
    /// on chain; [`RefusalCode::TooDear`] when ledger or declared cap do not allow it, with nothing read and nothing
    /// charged; failures of chain, ledger, records and disk.
    pub async fn run_epoch(
        self: &Arc<Self>,
        epoch: EpochNumber,
        window: Window,
        watch: Watch,
    ) -> Result<EpochAnswer, RewardsError> {
        let own = Arc::clone(self);
        Self::to_the_end(async move { own.run(epoch, window, watch).await }).await
    }

    async fn run(
        &self,
        epoch: EpochNumber,
        window: Window,
        watch: Watch,
    ) -> Result<EpochAnswer, RewardsError> {
        let _turn = self.turn.lock().await;
        let row = match self.desk.store.epoch(epoch)? {
            Some(row) if row.terms.window != window => return Err(RefusalCode::Conflict.into()),
            Some(row) => row,
            None => self.enter_epoch(epoch, window, &watch).await?,
        };
        let finished = match &row.finished {
            Some(finished) => finished.clone(),
            None => self.finish_epoch(epoch, &row, &watch).await?,
        };
        watch.stage("committing in the ledger", None);
        let (id, root) = (census_id(self.desk.provider, epoch), finished.root);
        self.blocking(move |desk| Ok(desk.ledger.commit(id, root, b"")?)).await?;
        watch.stage("committing on chain", None);
        let committed_at = self.commit(epoch, &finished).await?;
        watch.stage("committed", None);
        Ok(EpochAnswer {
            epoch,
            root: finished.root,
            consent_root: finished.consent_root,
            shards: finished.shards,
            rho: finished.rho,
            committed_at,
        })
    }

    /// Prices an epoch and enters it. Nothing is stored when it is too dear.
    async fn enter_epoch(
        &self,
        epoch: EpochNumber,
        window: Window,
        watch: &Watch,
    ) -> Result<EpochRow, RewardsError> {
        watch.stage("pricing", None);
        let (workload, rho) = (self.census.clone(), self.options.census_rho.clone());
        let terms = self.blocking(move |desk| {
            let organisations = organisations(&desk.folder()?)?;
            Ok(Terms { workload, rho, window, organisations })
        });
        let terms = terms.await?;
        let price = terms.plan()?.rho();
        let view = self.sender.client().view().await?;
        let reader = self.contracts.at(&view);
        for (other, _) in self.desk.store.epochs()? {
            // Epochs only grow, and one after the other.
            if other >= epoch || reader.release_of(self.account, other.0).await?.is_none() {
                return Err(RefusalCode::Conflict.into());
            }
        }
        let budget = reader.budget_of(self.account).await?;
        if budget.epochs != 0 && budget.lastEpoch >= epoch.0 {
            return Err(RefusalCode::Conflict.into());
        }
        let left = budget.capNanoRho.saturating_sub(budget.spentNanoRho);
        if nano_rho(&price).is_none_or(|cost| cost > left) {
            return Err(RefusalCode::TooDear.into());
        }
        let row = EpochRow { terms, finished: None };
        let entered = row.clone();
        self.blocking(move |desk| {
            desk.ledger.affordable(&price)?;
            desk.store.enter_epoch(epoch, &entered)
        })
        .await?;
        Ok(row)
    }

    async fn finish_epoch(
        &self,
        epoch: EpochNumber,
        row: &EpochRow,
        watch: &Watch,
    ) -> Result<Finished, RewardsError> {
        watch.stage("looking consents up", None);
        let snapshot = self.snapshot().await?;
        let (row, watch) = (row.clone(), Arc::clone(watch));
        let key = self
            .keys
            .first()
            .cloned()
            .ok_or(RewardsError::NoKey { key: None, block: snapshot.block.number.0 })?;
        self.blocking(move |desk| desk.finish_epoch(epoch, &row, &snapshot, &key, watch.as_ref())).await
    }

    /// Sees to it that the root is on chain; the block that carries it, if one does.
    async fn commit(
        &self,
        epoch: EpochNumber,
        finished: &Finished,
    ) -> Result<Option<BlockNumber>, RewardsError> {
        let view = self.sender.client().view().await?;
        if let Some(release) = self.contracts.at(&view).release_of(self.account, epoch.0).await? {
            if from_word(release.root) != finished.root {
                let what = format!("census of epoch {}", epoch.0);
                return Err(RewardsError::Contradiction { what, why: "another root stands on chain" });
            }
            return Ok(Some(BlockNumber(release.committedAt)));
        }
        let call = Releases::commitCall {
            epoch: epoch.0,
            root: to_word(finished.root),
            consentRoot: to_word(finished.consent_root),
            shards: finished.shards,
            costNanoRho: finished.cost_nano_rho,
        };
        self.post(&format!("census {}", epoch.0), self.contracts.act(&call)).await?;
        Ok(None)
    }
}
