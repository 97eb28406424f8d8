//! Transactions that wait for a block.
//!
//! Per sender a queue in nonce order; a transaction is *pending* when the next block could take it
//! and *queued* when an earlier nonce is missing. Bounded in number, per sender and in bytes; a full
//! pool drops the worst paying tail. The pool knows senders' next nonces and balances as they were
//! at the last head, and is told about each new one; it reads no state itself.
//!
//! Admission rules are in [`admission`], the order for building blocks in [`best`].

pub mod admission;
pub mod best;

use crate::{RejectedTransaction, Transaction};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, U256};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bounds of a pool. The defaults are go-ethereum's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolLimits {
    /// Transactions in all.
    pub transactions: usize,
    /// Transactions of one sender, and how far ahead of the next nonce they may be.
    pub per_sender: usize,
    /// Encoded bytes of one transaction.
    pub transaction_bytes: usize,
    /// By how many percent a replacement must pay more.
    pub price_bump_percent: u128,
    /// How long a queued transaction waits for the missing nonce.
    pub lifetime: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            transactions: 5_120,
            per_sender: 64,
            transaction_bytes: 128 * 1024,
            price_bump_percent: 10,
            lifetime: Duration::from_hours(3),
        }
    }
}

/// What the chain says about a sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SenderState {
    /// The nonce of the next transaction.
    pub next_nonce: u64,
    /// Balance in wei.
    pub balance: U256,
}

/// A transaction in the pool.
#[derive(Debug, Clone)]
pub struct Pooled {
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// Counts arrivals, so that equals are served in order.
    arrival: u64,
    added: Instant,
}

#[derive(Debug, Default)]
struct Queue {
    next_nonce: u64,
    by_nonce: BTreeMap<u64, Pooled>,
}

impl Queue {
    /// The transactions that the next block could take, in order.
    fn pending(&self) -> impl Iterator<Item = &Pooled> {
        (self.next_nonce..).map_while(|nonce| self.by_nonce.get(&nonce))
    }
}

/// The pool.
#[derive(Debug)]
pub struct Pool {
    limits: PoolLimits,
    queues: BTreeMap<Address, Queue>,
    places: HashMap<B256, (Address, u64)>,
    arrivals: u64,
}

/// Most wei a transaction can cost its sender.
pub fn maximum_cost(transaction: &Transaction) -> U256 {
    U256::from(transaction.gas_limit()) * U256::from(transaction.max_fee_per_gas()) + transaction.value()
}

/// The tip in wei that a miner gets for each gas, `None` when the base fee is not even covered.
pub fn effective_tip_wei(transaction: &Transaction, base_fee_wei: u64) -> Option<u128> {
    transaction.effective_tip_per_gas(base_fee_wei)
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: PoolLimits) -> Self {
        Self { limits, queues: BTreeMap::new(), places: HashMap::new(), arrivals: 0 }
    }

    /// Adds a transaction that passed [`admission`]; `state` is its sender's. Returns the hashes of
    /// those that it replaced or pushed out.
    ///
    /// # Errors
    /// [`RejectedTransaction`] when the pool does not want it; nothing changed then.
    pub fn add(
        &mut self,
        transaction: Arc<Transaction>,
        sender: Address,
        state: SenderState,
    ) -> Result<Vec<B256>, RejectedTransaction> {
        let hash = *transaction.tx_hash();
        if self.places.contains_key(&hash) {
            return Err(RejectedTransaction::AlreadyKnown);
        }
        self.check_nonce(transaction.nonce(), state)?;
        let mut removed = Vec::new();
        let old = self.queues.get(&sender).and_then(|queue| queue.by_nonce.get(&transaction.nonce()));
        if let Some(old) = old {
            if !self.replaces(&transaction, &old.transaction) {
                return Err(RejectedTransaction::ReplacementUnderpriced);
            }
            removed.push(*old.transaction.tx_hash());
        } else if self.places.len() >= self.limits.transactions {
            removed.push(self.worst_tail(&transaction, sender)?);
        }
        for hash in &removed {
            self.remove(*hash);
        }
        self.arrivals += 1;
        let nonce = transaction.nonce();
        let pooled = Pooled { transaction, arrival: self.arrivals, added: Instant::now() };
        let queue = self.queues.entry(sender).or_default();
        queue.next_nonce = state.next_nonce;
        queue.by_nonce.insert(nonce, pooled);
        self.places.insert(hash, (sender, nonce));
        Ok(removed)
    }

    /// The nonce must be one of the `per_sender` next ones, which bounds the sender's queue too.
    fn check_nonce(&self, nonce: u64, state: SenderState) -> Result<(), RejectedTransaction> {
        let next = state.next_nonce;
        let ahead = nonce.checked_sub(next).ok_or(RejectedTransaction::NonceTooLow { next, found: nonce })?;
        let limit = u64::try_from(self.limits.per_sender).unwrap_or(u64::MAX);
        if ahead >= limit {
            return Err(RejectedTransaction::NonceTooHigh { next, found: nonce, limit });
        }
        Ok(())
    }

    fn replaces(&self, new: &Transaction, old: &Transaction) -> bool {
        let bumped = |wei: u128| wei.saturating_add(wei.saturating_mul(self.limits.price_bump_percent) / 100);
        let tip = |tx: &Transaction| tx.max_priority_fee_per_gas().unwrap_or_else(|| tx.max_fee_per_gas());
        let fee = |tx: &Transaction| tx.max_fee_per_gas();
        fee(new) > fee(old)
            && tip(new) > tip(old)
            && fee(new) >= bumped(fee(old))
            && tip(new) >= bumped(tip(old))
    }

    /// The last transaction of the sender whose last transaction pays least. Only tails are pushed
    /// out, so that no gap opens in anybody's queue.
    fn worst_tail(&self, new: &Transaction, sender: Address) -> Result<B256, RejectedTransaction> {
        let tip = |tx: &Transaction| tx.max_priority_fee_per_gas().unwrap_or_else(|| tx.max_fee_per_gas());
        let tails = self.queues.iter().filter(|(owner, _)| **owner != sender);
        let worst = tails
            .filter_map(|(_, queue)| queue.by_nonce.last_key_value())
            .min_by_key(|(_, pooled)| (tip(&pooled.transaction), std::cmp::Reverse(pooled.arrival)));
        match worst {
            Some((_, pooled)) if tip(&pooled.transaction) < tip(new) => Ok(*pooled.transaction.tx_hash()),
            _ => Err(RejectedTransaction::Underpriced),
        }
    }

    /// Removes a transaction, if it is there.
    pub fn remove(&mut self, hash: B256) {
        let Some((sender, nonce)) = self.places.remove(&hash) else { return };
        if let Some(queue) = self.queues.get_mut(&sender) {
            queue.by_nonce.remove(&nonce);
            if queue.by_nonce.is_empty() {
                self.queues.remove(&sender);
            }
        }
    }

    /// Brings the pool up to a new head: what is mined, too old or no longer affordable goes.
    /// Returns the hashes that went.
    ///
    /// # Errors
    /// Those of `state_of`.
    pub fn update<E>(
        &mut self,
        mut state_of: impl FnMut(Address) -> Result<SenderState, E>,
    ) -> Result<Vec<B256>, E> {
        let mut gone = Vec::new();
        for (sender, queue) in &mut self.queues {
            let state = state_of(*sender)?;
            queue.next_nonce = state.next_nonce;
            let pending = state.next_nonce
                + u64::try_from(queue.pending().count()).unwrap_or(u64::MAX - state.next_nonce);
            for (nonce, pooled) in &queue.by_nonce {
                let expired = *nonce >= pending && pooled.added.elapsed() > self.limits.lifetime;
                let unaffordable = maximum_cost(&pooled.transaction) > state.balance;
                if *nonce < state.next_nonce || expired || unaffordable {
                    gone.push(*pooled.transaction.tx_hash());
                }
            }
        }
        for hash in &gone {
            self.remove(*hash);
        }
        Ok(gone)
    }

    /// A waiting transaction and its sender.
    pub fn transaction(&self, hash: B256) -> Option<(Arc<Transaction>, Address)> {
        let (sender, nonce) = self.places.get(&hash)?;
        let pooled = self.queues.get(sender)?.by_nonce.get(nonce)?;
        Some((Arc::clone(&pooled.transaction), *sender))
    }

    /// The nonce after the sender's pending transactions, `None` when there are none.
    pub fn pending_nonce(&self, sender: Address) -> Option<u64> {
        let queue = self.queues.get(&sender)?;
        let last = queue.pending().last()?;
        Some(last.transaction.nonce() + 1)
    }

    /// How many wait: pending ones, queued ones.
    pub fn counts(&self) -> (usize, usize) {
        let pending = self.queues.values().map(|queue| queue.pending().count()).sum();
        (pending, self.places.len() - pending)
    }

    /// Every waiting transaction by sender and nonce, with `true` for the pending ones.
    pub fn content(&self) -> Vec<(Address, Arc<Transaction>, bool)> {
        let mut content = Vec::with_capacity(self.places.len());
        for (sender, queue) in &self.queues {
            let pending = queue.pending().count();
            for (place, pooled) in queue.by_nonce.values().enumerate() {
                content.push((*sender, Arc::clone(&pooled.transaction), place < pending));
            }
        }
        content
    }
}

#[cfg(test)]
mod tests;
