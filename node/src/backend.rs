//! What RPC, miners and files act on: the chain, the pool and the work board as one.
//!
//! Acknowledged means durable here: a transaction or a solution is on disk before its sender hears
//! of it. Listeners get the head through a watch channel, which never overflows: whoever lags asks
//! the chain for the path between the last block it saw and the head.

mod journal;

use crate::chain::building::{BlockTemplate, Candidate};
use crate::chain::{Chain, ImportOptions, Imported};
use crate::header::child_base_fee_wei;
use crate::pool::{Pool, PoolLimits, SenderState, admission};
use crate::state::StateView;
use crate::store::{ChainBlock, HeadChange};
use crate::work::{Work, WorkBoard};
use crate::{Block, NodeError, RejectedTransaction, Transaction};
use alloy_primitives::{Address, B64, B256, Bytes, KECCAK256_EMPTY};
use journal::Journal;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// Announcements of pending transactions kept for slow listeners.
const PENDING_ANNOUNCEMENTS: usize = 4_096;

/// What the node's operator decides.
#[derive(Debug, Clone)]
pub struct BackendOptions {
    /// Who is paid for blocks, unless a miner asks for another address.
    pub coinbase: Option<Address>,
    /// Up to 32 bytes in every block built here.
    pub extra_data: Bytes,
    /// Where the gas limit should go.
    pub gas_limit_target: u64,
    /// New transactions make a new work at most this often; go-ethereum's default is 2 seconds.
    pub recommit: Duration,
    /// Bounds of the pool.
    pub pool: PoolLimits,
}

impl Default for BackendOptions {
    fn default() -> Self {
        Self {
            coinbase: None,
            extra_data: Bytes::from_static(b"medrec"),
            gas_limit_target: crate::spec::GAS_LIMIT_TARGET,
            recommit: Duration::from_secs(2),
            pool: PoolLimits::default(),
        }
    }
}

/// A transaction that just entered the pool.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// Its sender.
    pub sender: Address,
}

/// Chain, pool and work.
pub struct Backend {
    chain: Chain,
    options: BackendOptions,
    pool: Mutex<Pool>,
    journal: Journal,
    board: WorkBoard,
    /// Held while a candidate is built, so that a crowd of miners builds it once.
    building: Mutex<()>,
    pool_version: AtomicU64,
    pool_changes: watch::Sender<u64>,
    heads: watch::Sender<Arc<ChainBlock>>,
    announced: broadcast::Sender<Announced>,
}

impl Backend {
    /// A backend over an open chain; transactions acknowledged before the last stop are pooled again.
    ///
    /// # Errors
    /// Storage errors.
    pub fn new(chain: Chain, options: BackendOptions) -> Result<Self, NodeError> {
        let backend = Self {
            pool: Mutex::new(Pool::new(options.pool.clone())),
            journal: Journal::default(),
            board: WorkBoard::default(),
            building: Mutex::new(()),
            pool_version: AtomicU64::new(0),
            pool_changes: watch::Sender::new(0),
            heads: watch::Sender::new(chain.head()),
            announced: broadcast::Sender::new(PENDING_ANNOUNCEMENTS),
            chain,
            options,
        };
        backend.restore_pool()?;
        Ok(backend)
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The operator's decisions.
    pub fn options(&self) -> &BackendOptions {
        &self.options
    }

    /// The hashrates that miners report.
    pub fn board(&self) -> &WorkBoard {
        &self.board
    }

    /// Follows the head.
    pub fn heads(&self) -> watch::Receiver<Arc<ChainBlock>> {
        self.heads.subscribe()
    }

    /// Follows the pool: the number changes whenever the set of waiting transactions does.
    pub fn pool_changes(&self) -> watch::Receiver<u64> {
        self.pool_changes.subscribe()
    }

    /// Hears of each transaction that enters the pool.
    pub fn announcements(&self) -> broadcast::Receiver<Announced> {
        self.announced.subscribe()
    }

    /// Runs `read` on the pool.
    pub fn with_pool<T>(&self, read: impl FnOnce(&Pool) -> T) -> T {
        read(&self.pool.lock())
    }

    fn restore_pool(&self) -> Result<(), NodeError> {
        let waiting = self.chain.reader()?.pooled()?;
        let mut transactions: Vec<Transaction> = Vec::with_capacity(waiting.len());
        let mut gone = Vec::new();
        for (hash, raw) in waiting {
            match admission::decode(&raw) {
                Ok(transaction) => transactions.push(transaction),
                Err(_) => gone.push(hash),
            }
        }
        // In nonce order, so that none is refused for being too far ahead.
        transactions.sort_by_key(alloy_consensus::Transaction::nonce);
        for transaction in transactions {
            let hash = *transaction.tx_hash();
            match self.pool_transaction(Arc::new(transaction)) {
                Ok(_) => {}
                Err(NodeError::Transaction(_)) => gone.push(hash),
                Err(error) => return Err(error),
            }
        }
        self.chain.store().remove_pooled(&gone)
    }

    /// Takes a signed transaction into the pool. When this returns it survives a crash.
    ///
    /// # Errors
    /// [`NodeError::Transaction`] when it is refused; storage errors.
    pub fn submit_transaction(&self, raw: &[u8]) -> Result<B256, NodeError> {
        let transaction = Arc::new(admission::decode(raw)?);
        let hash = *transaction.tx_hash();
        let (sender, removed) = self.pool_transaction(Arc::clone(&transaction))?;
        self.journal.write(self.chain.store(), Arc::clone(&transaction))?;
        self.chain.store().remove_pooled(&removed)?;
        self.pool_changed();
        // Nobody may be listening.
        let _ = self.announced.send(Announced { transaction, sender });
        Ok(hash)
    }

    fn pool_transaction(&self, transaction: Arc<Transaction>) -> Result<(Address, Vec<B256>), NodeError> {
        let gas_limit = self.chain.head().block.header.gas_limit;
        let sender = admission::check(self.chain.spec(), &self.options.pool, gas_limit, &transaction)?;
        // The state is read under the pool's lock: a new head updates the pool after it is set, so
        // either this sees the new head or the update sees this transaction.
        let mut pool = self.pool.lock();
        let view = self.chain.state_after(&self.chain.head())?;
        let account = view.account(sender)?.unwrap_or_default();
        if account.code_hash != KECCAK256_EMPTY {
            return Err(RejectedTransaction::SenderIsContract(sender).into());
        }
        let state = SenderState { next_nonce: account.nonce, balance: account.balance };
        admission::check_funds(&transaction, sender, state)?;
        let removed = pool.add(transaction, sender, state)?;
        Ok((sender, removed))
    }

    fn pool_changed(&self) {
        let version = self.pool_version.fetch_add(1, Ordering::AcqRel) + 1;
        self.pool_changes.send_replace(version);
    }

    /// Checks, executes and stores a block from outside.
    ///
    /// # Errors
    /// [`NodeError::Block`] for a broken rule; storage errors.
    pub fn import(&self, block: Block, options: ImportOptions) -> Result<Imported, NodeError> {
        let imported = self.chain.import(block, options)?;
        self.settle(&imported)?;
        Ok(imported)
    }

    /// Tells pool and listeners about a new head.
    fn settle(&self, imported: &Imported) -> Result<(), NodeError> {
        let Imported::Head(change) = imported else { return Ok(()) };
        self.restore_orphans(change)?;
        let gone = {
            let mut pool = self.pool.lock();
            let view = self.chain.state_after(&self.chain.head())?;
            pool.update(|sender| sender_state(&view, sender))?
        };
        self.chain.store().remove_pooled(&gone)?;
        self.pool_changed();
        self.heads.send_replace(self.chain.head());
        Ok(())
    }

    /// Puts transactions of reverted blocks back; they are in the store already.
    fn restore_orphans(&self, change: &HeadChange) -> Result<(), NodeError> {
        for (transaction, _) in change.orphaned_transactions() {
            match self.pool_transaction(Arc::new(transaction.clone())) {
                Ok(_) => {}
                Err(NodeError::Transaction(_)) => {
                    self.chain.store().remove_pooled(&[*transaction.tx_hash()])?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The block that would follow the head, paying `coinbase`: a recent one, or a new one.
    ///
    /// # Errors
    /// Storage errors.
    pub fn candidate(&self, coinbase: Address) -> Result<Arc<Candidate>, NodeError> {
        self.candidate_within(coinbase, self.options.recommit)
    }

    /// As [`Backend::candidate`], but with every transaction that waits now.
    ///
    /// # Errors
    /// Storage errors.
    pub fn fresh_candidate(&self, coinbase: Address) -> Result<Arc<Candidate>, NodeError> {
        self.candidate_within(coinbase, Duration::ZERO)
    }

    fn candidate_within(&self, coinbase: Address, recommit: Duration) -> Result<Arc<Candidate>, NodeError> {
        let current = |head: &ChainBlock| {
            let version = self.pool_version.load(Ordering::Acquire);
            self.board.current(coinbase, head.hash, version, recommit)
        };
        if let Some(candidate) = current(&self.chain.head()) {
            return Ok(candidate);
        }
        let _building = self.building.lock();
        let head = self.chain.head();
        if let Some(candidate) = current(&head) {
            return Ok(candidate);
        }
        let version = self.pool_version.load(Ordering::Acquire);
        let mut best = self.pool.lock().best(child_base_fee_wei(&head.block.header));
        let template = BlockTemplate {
            coinbase,
            extra_data: self.options.extra_data.clone(),
            gas_limit_target: self.options.gas_limit_target,
            timestamp_s: None,
        };
        let candidate = Arc::new(self.chain.build(&head, &template, &mut best)?);
        self.board.add(&candidate, version);
        Ok(candidate)
    }

    /// The block that `pending` means: what the next one would be now.
    ///
    /// # Errors
    /// Storage errors.
    pub fn pending(&self) -> Result<Arc<Candidate>, NodeError> {
        self.fresh_candidate(self.options.coinbase.unwrap_or_default())
    }

    /// The state after a candidate.
    ///
    /// # Errors
    /// Storage errors.
    pub fn pending_state(&self, candidate: &Candidate) -> Result<StateView<'_>, NodeError> {
        let root = candidate.block.header.state_root;
        Ok(StateView::pending(self.chain.reader()?, root, Arc::clone(&candidate.state)))
    }

    /// Work for a miner that wants `coinbase` paid, or the node's own when it names none.
    ///
    /// # Errors
    /// [`NodeError::NoCoinbase`]; storage errors.
    pub fn work(&self, coinbase: Option<Address>) -> Result<Work, NodeError> {
        let coinbase = coinbase.or(self.options.coinbase).ok_or(NodeError::NoCoinbase)?;
        let candidate = self.candidate(coinbase)?;
        Work::of(&candidate.block.header, candidate.seal_hash)
    }

    /// Takes a miner's solution. `false` for unknown, stale and wrong ones, as go-ethereum answers;
    /// after `true` the block is on disk.
    ///
    /// # Errors
    /// Storage errors.
    pub fn submit_work(&self, nonce: B64, seal_hash: B256, mix: B256) -> Result<bool, NodeError> {
        let head_number = self.chain.head().number();
        let Some(candidate) = self.board.candidate(seal_hash, head_number) else { return Ok(false) };
        match self.chain.adopt_sealed(&candidate, nonce, mix) {
            Ok(imported) => {
                self.settle(&imported)?;
                Ok(true)
            }
            Err(NodeError::Block { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn sender_state(view: &StateView<'_>, sender: Address) -> Result<SenderState, NodeError> {
    let account = view.account(sender)?.unwrap_or_default();
    Ok(SenderState { next_nonce: account.nonce, balance: account.balance })
}
