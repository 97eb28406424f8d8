//! The order in which a miner takes waiting transactions: best tip first, each sender's in nonce
//! order, equals by arrival.

use super::{Pool, Pooled, effective_tip_wei};
use crate::Transaction;
use crate::chain::building::TransactionSource;
use crate::execution::Unexecutable;
use alloy_primitives::Address;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

/// The best transaction of one sender: tip in wei, arrival, sender.
type Front = (u128, Reverse<u64>, Address);

/// Pending transactions of one moment, best first.
pub struct Best {
    base_fee_wei: u64,
    fronts: BinaryHeap<Front>,
    waiting: BTreeMap<Address, VecDeque<Pooled>>,
    last: Option<Address>,
}

impl Pool {
    /// The pending transactions, for a block with this base fee.
    pub fn best(&self, base_fee_wei: u64) -> Best {
        let mut best = Best { base_fee_wei, fronts: BinaryHeap::new(), waiting: BTreeMap::new(), last: None };
        for (sender, queue) in &self.queues {
            let pending: VecDeque<Pooled> = queue.pending().cloned().collect();
            best.waiting.insert(*sender, pending);
            best.promote(*sender);
        }
        best
    }
}

impl Best {
    /// Puts the sender's next transaction among the fronts, when it pays the base fee.
    fn promote(&mut self, sender: Address) {
        let Some(front) = self.waiting.get(&sender).and_then(VecDeque::front) else { return };
        if let Some(tip) = effective_tip_wei(&front.transaction, self.base_fee_wei) {
            self.fronts.push((tip, Reverse(front.arrival), sender));
        }
    }
}

impl TransactionSource for Best {
    fn next(&mut self) -> Option<(Arc<Transaction>, Address)> {
        if let Some(sender) = self.last.take() {
            self.promote(sender);
        }
        let (_, _, sender) = self.fronts.pop()?;
        let pooled = self.waiting.get_mut(&sender)?.pop_front()?;
        self.last = Some(sender);
        Some((pooled.transaction, sender))
    }

    fn skipped(&mut self, _why: &Unexecutable) {
        // Whatever the reason, the sender's later nonces cannot come before this one.
        self.last = None;
    }
}
