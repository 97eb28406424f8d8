//! Transactions of one account that are executed once, whatever happens to nodes, blocks and this process.
//!
//! [`Sender::send`] returns when the signed transaction is on disk under a nonce of its own. From then on passes (driven by
//! [`Sender::run`] or [`Sender::wait`]) send it again when pools forget it or blocks that carried it are replaced, and
//! replace it by one that offers more when it waits too long. Every form of it has the same nonce, so no two are executed.
//! When the nonce is used by something else, that is an outcome that the caller sees; the act is never moved to another nonce.
//!
//! What not: keys (a [`Signer`] is given), and what the acts mean.

mod deployment;
mod entry;
mod fees;
mod options;
mod outbox;
mod pass;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, U64, U256};
use alloy_signer::Signer;
use parking_lot::Mutex;
use tokio::sync::watch;

pub use self::entry::{Attempt, Entry, Inclusion, State, Wait};
pub use self::fees::{FeePolicy, Fees};
pub use self::options::{Request, SenderOptions};
use self::outbox::Outbox;
use self::pass::{Passing, Standing, fresh_fees};
use crate::backoff::Backoff;
use crate::client::{Call, Client, View};
use crate::contracts::Act;
use crate::error::{ChainError, Remedy};

/// The outbox of one account on one chain.
pub struct Sender {
    client: Client,
    signer: Arc<dyn Signer + Send + Sync>,
    options: SenderOptions,
    outbox: Arc<Outbox>,
    entries: Mutex<BTreeMap<u64, Entry>>,
    /// Held by whoever gives out nonces or makes a pass.
    gate: tokio::sync::Mutex<()>,
    changes: watch::Sender<u64>,
}

impl Sender {
    /// Opens the outbox file, or makes it. No node is asked.
    ///
    /// # Errors
    /// [`ChainError::Storage`] if the file cannot be used, is in use, or belongs to another account or chain.
    pub fn open(
        client: Client,
        signer: Arc<dyn Signer + Send + Sync>,
        path: &Path,
        options: SenderOptions,
    ) -> Result<Self, ChainError> {
        let (outbox, entries) = Outbox::open(path, signer.address(), client.chain_id())?;
        let entries = entries.into_iter().map(|entry| (entry.nonce, entry)).collect();
        Ok(Self {
            client,
            signer,
            options,
            outbox: Arc::new(outbox),
            entries: Mutex::new(entries),
            gate: tokio::sync::Mutex::new(()),
            changes: watch::Sender::new(0),
        })
    }

    /// The account.
    pub fn account(&self) -> Address {
        self.signer.address()
    }

    /// The client that it sends through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A transaction, by its nonce.
    pub fn entry(&self, nonce: u64) -> Option<Entry> {
        self.entries.lock().get(&nonce).cloned()
    }

    /// A transaction, by the caller's name for it.
    pub fn find(&self, key: &str) -> Option<Entry> {
        self.entries.lock().values().find(|entry| entry.key.as_deref() == Some(key)).cloned()
    }

    /// Every transaction that is not settled, by nonce.
    pub fn outstanding(&self) -> Vec<Entry> {
        self.entries.lock().values().filter(|entry| !entry.state.is_settled()).cloned().collect()
    }

    /// A number that grows whenever a transaction changes its state.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Accepts an act: returns its nonce when it is signed and on disk, whether or not a node has it yet.
    ///
    /// # Errors
    /// Nothing was accepted: [`ChainError::Refused`] with the contract's reason, [`ChainError::OutOfFunds`],
    /// [`ChainError::KeyReused`], [`ChainError::NotPossible`] with too many outstanding, and everything that a view has.
    pub async fn send(&self, request: impl Into<Request>) -> Result<u64, ChainError> {
        let request = request.into();
        let nonces = self.send_all(move |_| vec![request]).await?;
        nonces.first().copied().ok_or(ChainError::NotPossible { nonce: 0, why: "there is nothing to send" })
    }

    /// Accepts several acts with consecutive nonces, all or none; `build` is given the first of these nonces.
    ///
    /// # Errors
    /// Those of [`Sender::send`], for the first act that has one.
    pub async fn send_all(&self, build: impl FnOnce(u64) -> Vec<Request>) -> Result<Vec<u64>, ChainError> {
        let _gate = self.gate.lock().await;
        let view = self.client.view().await?;
        let first = self.next_nonce(&view).await?;
        let requests = build(first);
        if let Some(nonces) = self.known(&requests)? {
            return Ok(nonces);
        }
        let count = self.outstanding().len() + requests.len();
        if count > self.options.max_outstanding {
            return Err(ChainError::NotPossible { nonce: first, why: "too many transactions wait already" });
        }
        let entries = self.prepare(&view, first, requests).await?;
        let nonces = entries.iter().map(|entry| entry.nonce).collect();
        self.store(&entries).await?;
        let passing = self.passing(&view, first);
        for mut entry in entries {
            // It is accepted; whether a node takes it at once is only a state.
            if passing.deliver(&mut entry, false).await.is_ok() {
                self.store(&[entry]).await?;
            }
        }
        Ok(nonces)
    }

    /// Has the nonce used up by nothing, unless the act is executed first. The outcome is a state as any other.
    ///
    /// # Errors
    /// [`ChainError::NotPossible`] if there is no such transaction or it is in a block already.
    pub async fn cancel(&self, nonce: u64) -> Result<(), ChainError> {
        let _gate = self.gate.lock().await;
        let mut entry =
            self.entry(nonce).ok_or(ChainError::NotPossible { nonce, why: "it is not in the outbox" })?;
        if !matches!(entry.state, State::Waiting(_)) {
            return Err(ChainError::NotPossible { nonce, why: "a block carries it" });
        }
        entry.is_cancelled = true;
        self.store(&[entry]).await
    }

    /// Forgets a settled transaction, its key included.
    ///
    /// # Errors
    /// [`ChainError::NotPossible`] if it is not settled or the last one, whose nonce has to be remembered.
    pub async fn forget(&self, nonce: u64) -> Result<(), ChainError> {
        let _gate = self.gate.lock().await;
        if !self.entry(nonce).is_some_and(|entry| entry.state.is_settled()) {
            return Err(ChainError::NotPossible { nonce, why: "it is not settled" });
        }
        if self.entries.lock().last_key_value().is_some_and(|(last, _)| *last == nonce) {
            return Err(ChainError::NotPossible { nonce, why: "the next nonce is counted from it" });
        }
        self.outbox.remove(&[nonce])?;
        self.entries.lock().remove(&nonce);
        Ok(())
    }

    /// One pass over everything that is not settled.
    ///
    /// # Errors
    /// Those of a view, and [`ChainError::Signing`]; every transaction keeps the state that it had.
    pub async fn pass(&self) -> Result<(), ChainError> {
        let _gate = self.gate.lock().await;
        let view = self.client.view().await?;
        let count = view.transaction_count(self.account()).await?;
        let passing = self.passing(&view, count);
        for before in self.unfinished(count) {
            let mut entry = before.clone();
            let standing = passing.examine(&mut entry).await?;
            if entry.attempts.len() != before.attempts.len() {
                // A new attempt is on disk before any node sees it.
                self.store(std::slice::from_ref(&entry)).await?;
            }
            if let Standing::Open { is_capped } = standing {
                passing.deliver(&mut entry, is_capped).await?;
            }
            if entry != before {
                self.store(&[entry]).await?;
            }
        }
        Ok(())
    }

    /// Makes passes until the transaction is settled, and returns its last state. Nodes that are down or behind are
    /// waited for; put a time-out around it where that is too long.
    ///
    /// # Errors
    /// [`ChainError::NotPossible`] if there is no such transaction; errors that asking again does not help.
    pub async fn wait(&self, nonce: u64) -> Result<State, ChainError> {
        let mut backoff = self.backoff();
        loop {
            let outcome = self.pass().await;
            let entry =
                self.entry(nonce).ok_or(ChainError::NotPossible { nonce, why: "it is not in the outbox" })?;
            if entry.state.is_settled() {
                return Ok(entry.state);
            }
            match outcome {
                Ok(()) => {
                    backoff.reset();
                    tokio::time::sleep(self.options.poll_interval).await;
                }
                Err(error) if error.remedy() == Remedy::Retry => backoff.pause().await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes passes until `shutdown` resolves.
    ///
    /// # Errors
    /// Errors that asking again does not help.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), ChainError> {
        let passes = async {
            let mut backoff = self.backoff();
            loop {
                match self.pass().await {
                    Ok(()) => {
                        backoff.reset();
                        tokio::time::sleep(self.options.poll_interval).await;
                    }
                    Err(error) if error.remedy() == Remedy::Retry => backoff.pause().await,
                    Err(error) => return Err(error),
                }
            }
        };
        tokio::select! {
            () = shutdown => Ok(()),
            ended = passes => ended,
        }
    }

    /// Entries to look at: those not settled, and those that a re-organisation deeper than the confirmations took back.
    /// A nonce that something else took stays given up: its caller may have sent the act again under another one.
    fn unfinished(&self, transaction_count: u64) -> Vec<Entry> {
        let entries = self.entries.lock();
        let is_open = |entry: &&Entry| {
            let was_taken_back = entry.nonce >= transaction_count && entry.state != State::NonceTaken;
            !entry.state.is_settled() || was_taken_back
        };
        entries.values().filter(is_open).cloned().collect()
    }

    /// The nonces of requests that were accepted before; `None` if they are new.
    fn known(&self, requests: &[Request]) -> Result<Option<Vec<u64>>, ChainError> {
        let mut nonces = Vec::new();
        for request in requests {
            let Some(key) = &request.key else { continue };
            match self.find(key) {
                Some(entry) if entry.act == request.act => nonces.push(entry.nonce),
                Some(_) => return Err(ChainError::KeyReused { key: key.clone() }),
                None => {}
            }
        }
        if nonces.is_empty() {
            return Ok(None);
        }
        if nonces.len() != requests.len() {
            let key = requests.iter().find_map(|request| request.key.clone()).unwrap_or_default();
            return Err(ChainError::KeyReused { key });
        }
        Ok(Some(nonces))
    }

    async fn next_nonce(&self, view: &View) -> Result<u64, ChainError> {
        // What other programs sent for the account counts too; nodes know it as pending.
        let params = (self.account(), "pending");
        let pending: U64 = view.endpoint().request("eth_getTransactionCount", params).await?;
        let ours = self.entries.lock().last_key_value().map_or(0, |(nonce, _)| nonce + 1);
        Ok(ours.max(pending.to()))
    }

    async fn prepare(
        &self,
        view: &View,
        first: u64,
        requests: Vec<Request>,
    ) -> Result<Vec<Entry>, ChainError> {
        let fees = fresh_fees(view, &self.options.fees).await?;
        let passing = self.passing(view, first);
        let mut entries = Vec::with_capacity(requests.len());
        for (nonce, request) in (first..).zip(requests) {
            let gas_limit = match request.gas_limit {
                Some(gas_limit) => gas_limit,
                None => self.estimate(view, &request.act).await?,
            };
            let state = State::Waiting(Wait::Unsent);
            let Request { act, key, .. } = request;
            let mut entry =
                Entry { nonce, key, act, gas_limit, attempts: Vec::new(), is_cancelled: false, state };
            entry.attempts.push(passing.sign(&entry, fees).await?);
            entries.push(entry);
        }
        let account = self.account();
        let needed = self.outstanding().iter().chain(&entries).map(Entry::cost).sum::<U256>();
        let balance = view.balance(account).await?;
        if needed > balance {
            return Err(ChainError::OutOfFunds { account, needed, balance });
        }
        Ok(entries)
    }

    /// A quarter more than the node's estimate: the state can change before the transaction runs.
    async fn estimate(&self, view: &View, act: &Act) -> Result<u64, ChainError> {
        let call = Call { from: Some(self.account()), to: act.to, data: act.data.clone(), value: act.value };
        match view.estimate_gas(&call).await? {
            Ok(gas) => Ok(gas.saturating_add(gas / 4).min(view.head().gas_limit.max(gas))),
            Err(data) => Err(ChainError::refused(act.what.clone(), &data)),
        }
    }

    fn passing<'a>(&'a self, view: &'a View, transaction_count: u64) -> Passing<'a> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Passing {
            client: &self.client,
            signer: self.signer.as_ref(),
            view,
            policy: self.options.fees,
            confirmations: self.options.confirmations,
            replace_after_ms: milliseconds(self.options.replace_after),
            now_ms: milliseconds(now),
            transaction_count,
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.options.poll_interval, Duration::from_secs(10))
    }

    /// On disk first, then visible.
    async fn store(&self, entries: &[Entry]) -> Result<(), ChainError> {
        let (outbox, written) = (Arc::clone(&self.outbox), entries.to_vec());
        let stored = tokio::task::spawn_blocking(move || outbox.store(&written).map(|()| written)).await;
        let written = stored.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        self.entries.lock().extend(written.into_iter().map(|entry| (entry.nonce, entry)));
        self.changes.send_modify(|revision| *revision += 1);
        Ok(())
    }
}
