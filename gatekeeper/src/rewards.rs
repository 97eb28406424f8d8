//! Rewards: what a solved block is worth at this provider, made once and given to its miner.
//!
//! ```text
//! run_epoch     consents at a finalised block -> census, noised -> shards under one root -> root on chain
//! claim_shard   block, 12 confirmations -> the shard that its hash picks -> signed bundle, one size
//! claim_bounty  posting, 12 confirmations -> catalogue query, charged person by person -> signed bundle, named on chain
//! ```
//!
//! Made once: whatever dies or is re-organised, noise is drawn once, charges stand, an answer has the same bytes for ever
//! (docs/REWARDS.md). What it does not know: HTTP, signatures of requests, how documents and records are kept ([`ConsentBook`],
//! [`RecordStore`]).
//!
//! # Privacy
//! Snapshot, ledger and exact sums are as secret as the records and stay in here. What leaves is noised bundles, and
//! refusals that carry a code alone.

mod answer;
mod book;
mod census;
mod claims;
mod desk;
mod epoch;
mod error;
mod key;
mod records;
mod rows;
mod snapshot;
mod store;

use std::path::PathBuf;
use std::sync::Arc;

use alloy_primitives::Address;
use medrec_anonymizer::bounding::BoundingKey;
use medrec_anonymizer::bundle::Signer;
use medrec_anonymizer::ledger::Ledger;
use medrec_chain::contracts::Act;
use medrec_chain::{Contracts, Request, Sender, State};
use medrec_datasets::PseudonymKey;
use medrec_domain::identifier::EpochNumber;
use medrec_domain::manifest::License;
use medrec_domain::scope::ValueSets;
use medrec_domain::workload::catalogue::Catalogue;
use medrec_domain::{CalendarDate, Rho, Workload};
use medrec_protocol::bridge::from_chain;

pub use self::book::{ConsentBook, LinkedPatient, RecordStore, Watch};
use self::desk::{Desk, open_folder};
pub use self::error::{RewardsError, SourceError};
pub use self::key::BundleKey;
use self::key::Key;
pub use self::records::{FolderRecords, add_organisations, organisations};
use self::snapshot::Snapshot;

/// What a provider decides about its rewards.
#[derive(Debug, Clone)]
pub struct RewardsOptions {
    /// Most that anybody may ever lose at this provider, all releases together; used when the ledger is made.
    pub cap: Rho,
    /// Privacy loss of one epoch's census.
    pub census_rho: Rho,
    /// End of every bounty's window, for records that end before today; `None` takes the day of the posting.
    pub bounty_until: Option<CalendarDate>,
    /// Memory for records under way, in bytes.
    pub memory_bytes: u64,
    /// Terms under which bundles may be used.
    pub license: License,
}

impl RewardsOptions {
    /// Half a gibibyte, CC BY 4.0, bounties about the days before their posting.
    pub fn new(cap: Rho, census_rho: Rho) -> Self {
        let url = "https://creativecommons.org/licenses/by/4.0/".to_owned();
        Self {
            cap,
            census_rho,
            bounty_until: None,
            memory_bytes: 512 << 20,
            license: License { name: "CC-BY-4.0".to_owned(), url },
        }
    }
}

/// What rewards are made from.
pub struct RewardsParts {
    /// A folder of their own: ledger, its key, finished releases and answers. Backed up and restored as a whole.
    pub folder: PathBuf,
    /// What the provider decides.
    pub options: RewardsOptions,
    /// The provider's account.
    pub account: Address,
    /// The contracts.
    pub contracts: Contracts,
    /// The provider's outbox. Somebody has to [`Sender::run`] it.
    pub sender: Arc<Sender>,
    /// The provider's keys for bundles: those that spoke for it, earlier ones included, in any order; none is chosen but by the chain's word.
    pub keys: Vec<Arc<dyn Signer + Send + Sync>>,
    /// Who consented.
    pub book: Arc<dyn ConsentBook>,
    /// Where the records are.
    pub records: Arc<dyn RecordStore>,
    /// Makes the records' person ids from the patients' ids.
    pub pseudonyms: PseudonymKey,
    /// Chooses which rows of a heavy patient count.
    pub bounding: BoundingKey,
    /// The value sets that consents name.
    pub value_sets: ValueSets,
}

/// The rewards of one provider.
pub struct Rewards {
    account: Address,
    options: RewardsOptions,
    contracts: Contracts,
    sender: Arc<Sender>,
    keys: Vec<Key>,
    book: Arc<dyn ConsentBook>,
    pseudonyms: PseudonymKey,
    census: Workload,
    catalogue: Catalogue,
    desk: Arc<Desk>,
    /// One release at a time: two that read the same caps would spend them twice.
    turn: tokio::sync::Mutex<()>,
}

impl Rewards {
    /// Opens the folder, or makes it. No node is asked.
    ///
    /// # Errors
    /// [`RewardsError::Anonymizer`] when the ledger is missing, locked or damaged; [`RewardsError::Storage`].
    pub fn open(parts: RewardsParts) -> Result<Self, RewardsError> {
        let (ledger, store) = open_folder(&parts.folder, &parts.options.cap)?;
        let desk = Desk {
            provider: from_chain(parts.account),
            ledger,
            store,
            records: parts.records,
            bounding: parts.bounding,
            value_sets: parts.value_sets,
            memory_bytes: parts.options.memory_bytes,
            license: parts.options.license.clone(),
        };
        Ok(Self {
            account: parts.account,
            options: parts.options,
            contracts: parts.contracts,
            sender: parts.sender,
            keys: parts.keys,
            book: parts.book,
            pseudonyms: parts.pseudonyms,
            census: Workload::census()?,
            catalogue: Catalogue::standard()?,
            desk: Arc::new(desk),
            turn: tokio::sync::Mutex::new(()),
        })
    }

    /// The budget ledger: what everybody and each person has lost.
    ///
    /// # Privacy
    /// As secret as the records.
    pub fn ledger(&self) -> &Ledger {
        &self.desk.ledger
    }

    /// The catalogue that bounties are answered from.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The newest epoch whose shards are finished, committed on chain or about to be.
    ///
    /// # Errors
    /// [`RewardsError::Storage`].
    pub fn newest_epoch(&self) -> Result<Option<EpochNumber>, RewardsError> {
        let epochs = self.desk.store.epochs()?;
        Ok(epochs.into_iter().find(|(_, row)| row.finished.is_some()).map(|(epoch, _)| epoch))
    }

    /// Goes on with what an earlier process left: epochs that were entered and are not on chain. Answers to bounties go on when
    /// they are claimed again.
    ///
    /// # Errors
    /// Those of [`Rewards::run_epoch`].
    pub async fn resume(self: &Arc<Self>, watch: Watch) -> Result<(), RewardsError> {
        let mut epochs = self.desk.store.epochs()?;
        epochs.reverse();
        for (epoch, row) in epochs {
            self.run_epoch(epoch, row.terms.window, Watch::clone(&watch)).await?;
        }
        Ok(())
    }

    /// Has the ledger forget whose link was taken back, as far as the promise to her allows. Waits for a release under way.
    ///
    /// # Privacy
    /// Her own cap goes; what she has lost beyond everybody stays as one number, so that linked again she is charged no
    /// more than her cap in all.
    ///
    /// # Errors
    /// [`RewardsError::Anonymizer`] when the ledger cannot be written; asked again it is the same.
    pub async fn forget(&self, source_id: &str) -> Result<(), RewardsError> {
        let _turn = self.turn.lock().await;
        let person = self.pseudonyms.person(source_id);
        self.blocking(move |desk| Ok(desk.ledger.forget(person)?)).await
    }

    /// Consents in force now.
    async fn snapshot(&self) -> Result<Snapshot, RewardsError> {
        let book = Arc::clone(&self.book);
        let linked = self.blocking(move |_| {
            book.linked().map_err(|source| RewardsError::Source { what: "the consents", source })
        });
        let linked = linked.await?;
        let view = self.sender.client().view().await?;
        snapshot::take(&self.contracts, &view, self.account, &self.pseudonyms, &linked).await
    }

    /// Runs work to its end although whoever asked may go away: a release that is half made is not left to a second
    /// request that comes while its thread still runs.
    async fn to_the_end<T: Send + 'static>(
        work: impl Future<Output = Result<T, RewardsError>> + Send + 'static,
    ) -> Result<T, RewardsError> {
        let done = tokio::spawn(work).await;
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Runs what blocks on a thread for it.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Desk) -> Result<T, RewardsError> + Send + 'static,
    ) -> Result<T, RewardsError> {
        let desk = Arc::clone(&self.desk);
        let done = tokio::task::spawn_blocking(move || work(&desk)).await;
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Has the outbox accept an act, once. One that came to nothing (reverted, its nonce taken) is sent again.
    async fn post(&self, name: &str, act: Act) -> Result<(), RewardsError> {
        for attempt in 1_u32.. {
            let key = format!("{name}, attempt {attempt}");
            match self.sender.find(&key).map(|entry| entry.state) {
                Some(State::Reverted { .. } | State::Cancelled(_) | State::NonceTaken) => {}
                Some(_) => break,
                None => {
                    self.sender.send(Request::from(act).with_key(key)).await?;
                    break;
                }
            }
        }
        Ok(())
    }
}
