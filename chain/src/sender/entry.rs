//! A transaction in the outbox: what it does, under which nonce, how it was tried, where it stands.
//!
//! Why here: the file, the passes and the callers share these words. What not: how any of it changes; that is
//! [`super::pass`].

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use super::fees::Fees;
use crate::contracts::Act;
use crate::health::BlockRef;
use crate::refusal::Refusal;

/// One signed form of a transaction. All attempts of an entry have its nonce, so at most one is ever executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its hash.
    pub hash: B256,
    /// The signed transaction.
    pub raw: Bytes,
    /// What it offers.
    pub fees: Fees,
    /// When it was signed, in Unix milliseconds.
    pub signed_at_ms: u64,
    /// Whether it does nothing but use up the nonce.
    pub is_cancellation: bool,
    /// Whether a pool wanted more for it.
    pub is_underpriced: bool,
}

/// The block that carries a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    /// Which attempt.
    pub transaction: B256,
    /// The block.
    pub block: BlockRef,
    /// Gas that it used.
    pub gas_used: u64,
    /// The contract that it created, if it was to.
    pub contract: Option<Address>,
    /// Whether it ran to its end.
    pub succeeded: bool,
}

/// Why a transaction is in no block yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Wait {
    /// It is on disk and no node has taken it yet.
    Unsent,
    /// A node has it in its pool.
    Pooled,
    /// The block that carried it is no longer part of the chain.
    Displaced,
    /// The account cannot pay for it.
    OutOfFunds {
        /// What it can cost at most, in wei.
        needed: U256,
        /// What the account has, in wei.
        balance: U256,
    },
    /// It should offer more than the fee policy allows.
    FeeCap {
        /// The cap, in wei per gas.
        cap: u64,
    },
    /// Another transaction of the account has used the nonce; that block may still be replaced.
    NonceTaken,
    /// No node takes it, for this reason.
    NodeRefuses {
        /// The node's words.
        message: String,
    },
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum State {
    /// In no block.
    Waiting(Wait),
    /// In a block that may still be replaced.
    Included {
        /// The block.
        inclusion: Inclusion,
        /// Blocks after it.
        confirmations: u64,
    },
    /// Done: executed and confirmed.
    Confirmed(Inclusion),
    /// Done: confirmed, and the contract refused. Nothing but the fee was spent.
    Reverted {
        /// The block.
        inclusion: Inclusion,
        /// What the contract returned, see [`State::refusal`].
        data: Bytes,
        /// Whether `data` are those of this very execution; otherwise the call was repeated on the state before its block,
        /// because the node does not trace.
        is_traced: bool,
    },
    /// Done: called back; the nonce was used up by nothing.
    Cancelled(Inclusion),
    /// Done: a transaction that is not ours used the nonce. The act was not executed.
    NonceTaken,
}

impl State {
    /// Whether nothing more will happen, short of a re-organisation that is deeper than the confirmations.
    pub const fn is_settled(&self) -> bool {
        matches!(self, Self::Confirmed(_) | Self::Reverted { .. } | Self::Cancelled(_) | Self::NonceTaken)
    }

    /// Why the contract refused, if it did.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Reverted { data, .. } => Some(Refusal::decode(data, None)),
            _ => None,
        }
    }
}

/// A transaction in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its nonce, which names it.
    pub nonce: u64,
    /// The caller's own name for it.
    pub key: Option<String>,
    /// What it does.
    pub act: Act,
    /// Gas that it may use.
    pub gas_limit: u64,
    /// Every signed form of it, oldest first.
    pub attempts: Vec<Attempt>,
    /// Whether its owner called it back.
    pub is_cancelled: bool,
    /// Where it stands.
    pub state: State,
}

impl Entry {
    /// The newest signed form.
    pub(crate) fn last(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Most that it can cost with its newest form, in wei.
    pub(crate) fn cost(&self) -> U256 {
        let fee = self.last().map_or(0, |attempt| attempt.fees.max_fee_per_gas);
        U256::from(fee) * U256::from(self.gas_limit) + self.act.value
    }
}
