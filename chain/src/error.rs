//! Everything that can go wrong, sorted by what the caller can do about it.
//!
//! What not: no error of a single field's parser; those are values inside these.

use std::path::PathBuf;

use alloy_primitives::{Address, U256};

use crate::health::{BlockRef, Health};
use crate::refusal::Refusal;

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Ask again later; nothing was wrong with the question.
    Retry,
    /// Change what was asked or configured.
    FixInput,
    /// Neither helps: a person has to look.
    GiveUp,
}

/// An error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No node may be asked now: all are down, behind or on another chain.
    #[error("no node can be used: {health}")]
    Unavailable {
        /// The state of each.
        health: Health,
    },
    /// The exchange with one node failed; another one, or the same one later, may answer.
    #[error("{url}: {method}: {why}")]
    Interrupted {
        /// The node.
        url: String,
        /// The RPC method.
        method: &'static str,
        /// What happened.
        why: String,
    },
    /// The node answered with an error that is not a contract's.
    #[error("{url}: {method}: the node says {message:?} (code {code})")]
    NodeRefused {
        /// The node.
        url: String,
        /// The RPC method.
        method: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// The block that a view looks at is no longer part of the chain.
    #[error("{block} is no longer part of the chain")]
    BlockGone {
        /// The block.
        block: BlockRef,
    },
    /// An option cannot be used.
    #[error("{what}: {why}")]
    Config {
        /// The option and its value.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no contract at this address, or another one.
    #[error("{contract} at {block}: {why}")]
    NoContract {
        /// The address.
        contract: Address,
        /// The block that was looked at.
        block: BlockRef,
        /// What was found instead.
        why: String,
    },
    /// The contract refuses the call.
    #[error("{what}: the contract refuses: {refusal}")]
    Refused {
        /// The call.
        what: String,
        /// Its reason.
        refusal: Box<Refusal>,
    },
    /// The account cannot pay for what it should send.
    #[error("{account} has {balance} wei and needs {needed} wei")]
    OutOfFunds {
        /// The account.
        account: Address,
        /// Most that the transactions that wait can cost, in wei.
        needed: U256,
        /// What it has, in wei.
        balance: U256,
    },
    /// The idempotency key was used before for something else.
    #[error("key {key:?} stands for another transaction")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// The outbox has no such transaction, or it is not in a state in which this can be done.
    #[error("transaction with nonce {nonce}: {why}")]
    NotPossible {
        /// Its nonce.
        nonce: u64,
        /// Why not.
        why: &'static str,
    },
    /// The signer would not sign.
    #[error("{account} did not sign: {why}")]
    Signing {
        /// The account.
        account: Address,
        /// The signer's words.
        why: String,
    },
    /// A file of ours cannot be read or written, or belongs to another account or chain.
    #[error("{}: {why}", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// What happened.
        why: String,
    },
    /// The node answered with something that cannot be true.
    #[error("{url}: {method}: {why}")]
    Malformed {
        /// The node.
        url: String,
        /// The RPC method.
        method: &'static str,
        /// What is wrong with the answer.
        why: String,
    },
    /// Everything that is remembered of the followed chain was replaced.
    #[error("the chain was replaced from below {oldest}, further back than is remembered")]
    ReorgTooDeep {
        /// The oldest block that is remembered.
        oldest: BlockRef,
    },
}

impl ChainError {
    /// The contract refused `what` with these bytes.
    pub(crate) fn refused(what: impl Into<String>, data: &[u8]) -> Self {
        Self::Refused { what: what.into(), refusal: Box::new(Refusal::decode(data, None)) }
    }

    /// What the caller can do.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unavailable { .. }
            | Self::Interrupted { .. }
            | Self::NodeRefused { .. }
            | Self::BlockGone { .. }
            | Self::Malformed { .. } => Remedy::Retry,
            Self::Config { .. }
            | Self::NoContract { .. }
            | Self::Refused { .. }
            | Self::OutOfFunds { .. }
            | Self::KeyReused { .. }
            | Self::NotPossible { .. }
            | Self::Signing { .. } => Remedy::FixInput,
            Self::Storage { .. } | Self::ReorgTooDeep { .. } => Remedy::GiveUp,
        }
    }
}
