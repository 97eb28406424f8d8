//! What every method of a running gatekeeper shares.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use medrec_anonymizer::records::Progress;
use medrec_chain::{Client, Contracts};
use medrec_datasets::RecordSource;
use medrec_domain::identifier::Address;
use medrec_domain::scope::ValueSets;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::answer::Refused;
use crate::audit::Audit;
use crate::bell::Bell;
use crate::error::GatekeeperError;
use crate::facts::{Facts, Lookout};
use crate::options::Limits;
use crate::outboxes::Outboxes;
use crate::rewards::{Rewards, Watch};
use crate::store::Store;

/// The shared parts.
pub(crate) struct State {
    /// The provider's account, as documents write it.
    pub(crate) provider: Address,
    /// The five contracts.
    pub(crate) contracts: Contracts,
    /// The nodes.
    pub(crate) client: Client,
    /// The provider's outboxes.
    pub(crate) outboxes: Outboxes,
    /// What is remembered.
    pub(crate) store: Arc<Store>,
    /// The records.
    pub(crate) records: Arc<RecordSource>,
    /// Releases and claims.
    pub(crate) rewards: Arc<Rewards>,
    /// The value sets that consents may name.
    pub(crate) value_sets: ValueSets,
    /// Looks at the chain.
    pub(crate) lookout: Lookout,
    /// The audit log.
    pub(crate) audit: Audit,
    /// Rings when there are new notifications.
    pub(crate) bell: Bell,
    /// Whether the service stops.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Bounds.
    pub(crate) limits: Limits,
    /// Hears of each step before it is taken.
    pub(crate) step: fn(&str),
    /// The provider's own log.
    pub(crate) log: fn(&str),
    /// The second at which this process started: nothing that was signed before it is good.
    pub(crate) started_s: u64,
}

impl State {
    /// The store, on a thread that may wait.
    pub(crate) async fn stored<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, GatekeeperError> + Send + 'static,
    ) -> Result<T, Refused> {
        let store = Arc::clone(&self.store);
        Ok(blocking(move || work(&store)).await?)
    }

    /// Who watches a release.
    pub(crate) fn watch(&self) -> Watch {
        Arc::new(Steps(self.step))
    }

    /// Resolves when the service stops.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // The other end is gone only when the service is.
        let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
    }

    /// The chain as it is now.
    pub(crate) async fn look(&self) -> Result<Facts, Refused> {
        self.lookout.look().await
    }
}

/// Tells each stage of a release and no more.
struct Steps(fn(&str));

impl Progress for Steps {
    fn stage(&self, name: &str, _: Option<u64>) {
        (self.0)(name);
    }

    fn advance(&self, _: u64) {}
}

/// Runs what blocks on a thread for it. A panic there goes on here.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Seconds since 1970.
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Who asks.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The key that signed.
    pub(crate) signer: Address,
    /// The account that the key speaks for now, if any.
    pub(crate) account: Option<Address>,
    /// The chain as it was looked up for this request.
    pub(crate) facts: Facts,
    /// The request's room; a stream keeps it until it ends.
    #[expect(dead_code, reason = "what counts is that it is held")]
    pub(crate) permit: Arc<OwnedSemaphorePermit>,
}

impl Caller {
    /// Who it is in the log and in documents: the account, else the key.
    pub(crate) fn actor(&self) -> Address {
        self.account.unwrap_or(self.signer)
    }
}
