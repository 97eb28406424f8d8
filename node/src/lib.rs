//! An embedded proof-of-work Ethereum chain under London rules.
//!
//! A laptop gets a real chain from this room without installing anything: headers sealed and
//! checked with Ethash, transactions executed by revm, state in a Merkle-Patricia trie, everything
//! in one redb file, JSON-RPC over HTTP and WebSocket, work for external miners. Its blocks are
//! blocks that any other London client accepts; `node/oracle/` shows it.
//!
//! What it does not know: health data, contracts, wallets, peers. It speaks to no other node; blocks
//! come in from miners and from files. It is the only room that knows revm.
//!
//! The way through: [`rpc`] asks [`backend::Backend`], which owns the [`chain::Chain`], the
//! [`pool::Pool`] and the [`work::WorkBoard`]; [`node::Node`] starts all of it.

pub mod backend;
pub mod blockfile;
pub mod chain;
pub mod error;
pub mod evm;
pub mod execution;
pub mod header;
pub mod node;
pub mod pool;
pub mod rpc;
pub mod seal;
pub mod spec;
pub mod state;
mod stop;
pub mod store;
pub mod trie;
pub mod work;

pub use error::{NodeError, RejectedBlock, RejectedTransaction};
pub use node::{Node, NodeOptions};
pub use spec::{ChainSpec, DifficultyRule, Genesis, GenesisDialect};

/// A signed transaction as blocks carry it. The London rules admit types 0, 1 and 2 only.
pub type Transaction = alloy_consensus::EthereumTxEnvelope<alloy_consensus::TxEip4844>;

/// A block: header, transactions, ommers.
pub type Block = alloy_consensus::Block<Transaction>;

pub use alloy_consensus::{Header, ReceiptEnvelope};
