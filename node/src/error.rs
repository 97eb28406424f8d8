//! Every way in which the node can refuse or fail, sorted by what the caller can do about it.
//!
//! A rejected block or transaction is the sender's fault; storage and I/O errors are this machine's;
//! the rest is configuration. Texts of transaction errors follow go-ethereum, because wallets match
//! on them.

use alloy_primitives::{Address, B256, U256};
use std::path::PathBuf;

/// Why the node could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A block breaks a consensus rule.
    #[error("block {number} ({hash}) is invalid: {reason}")]
    Block {
        /// The block's number as its header states it.
        number: u64,
        /// The block's hash.
        hash: B256,
        /// The first broken rule that was found.
        reason: Box<RejectedBlock>,
    },
    /// A transaction was not taken into the pool.
    #[error(transparent)]
    Transaction(#[from] RejectedTransaction),
    /// The store failed; nothing was half written.
    #[error("chain database {path}: {source}")]
    Store {
        /// The database file.
        path: PathBuf,
        /// What redb said.
        source: Box<redb::Error>,
    },
    /// Another process has the store open.
    #[error(
        "chain database {path} is in use by another process\n\nhint: stop that node, or choose another --datadir"
    )]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The store holds something that this version cannot have written.
    #[error("chain database {path}: {what}")]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A block file ends or breaks in the middle of a block.
    #[error("{path}: byte {offset}: {what}")]
    BlockFile {
        /// The block file.
        path: PathBuf,
        /// Where in the file the broken block begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The data folder holds a chain with another genesis.
    #[error("{path} holds a chain with genesis {stored}, not {wanted}\n\nhint: choose another --datadir")]
    OtherChain {
        /// The database file.
        path: PathBuf,
        /// The genesis hash found in it.
        stored: B256,
        /// The genesis hash asked for.
        wanted: B256,
    },
    /// Options, a genesis file or a mnemonic that cannot be used.
    #[error("{what}: {why}")]
    Config {
        /// The option or file, with its value.
        what: String,
        /// Why it cannot be used.
        why: String,
    },
    /// A block number past the last epoch that Ethash can serve.
    #[error(transparent)]
    Epoch(#[from] medrec_kernels::ethash::ParametersError),
    /// There is no memory for the epoch's light cache.
    #[error(transparent)]
    LightCache(#[from] medrec_kernels::ethash::BuildError),
    /// The node is a miner without an address to pay.
    #[error("etherbase must be explicitly specified")]
    NoCoinbase,
}

/// The consensus rule that a block breaks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RejectedBlock {
    /// The parent is not known.
    #[error("unknown parent {0}")]
    UnknownParent(B256),
    /// The header's number does not follow the parent's.
    #[error("number {found} does not follow parent {parent}")]
    Number {
        /// The number stated.
        found: u64,
        /// The parent's number.
        parent: u64,
    },
    /// The timestamp is not after the parent's.
    #[error("timestamp {found} is not after the parent's {parent}")]
    Timestamp {
        /// The timestamp stated, in seconds.
        found: u64,
        /// The parent's, in seconds.
        parent: u64,
    },
    /// The timestamp is too far in the future for this machine's clock.
    #[error("timestamp {found} is more than {limit} s ahead of the clock ({now})")]
    Future {
        /// The timestamp stated, in seconds.
        found: u64,
        /// The clock, in seconds.
        now: u64,
        /// Seconds of grace.
        limit: u64,
    },
    /// More than 32 bytes of extra data.
    #[error("extra data of {0} bytes, at most 32 are allowed")]
    ExtraData(usize),
    /// The gas limit moves too far, or is too low.
    #[error("gas limit {found} is out of bounds for parent limit {parent}")]
    GasLimit {
        /// The limit stated.
        found: u64,
        /// The parent's limit.
        parent: u64,
    },
    /// More gas used than the limit allows.
    #[error("gas used {used} exceeds gas limit {limit}")]
    GasOverLimit {
        /// Gas used as stated.
        used: u64,
        /// The limit stated.
        limit: u64,
    },
    /// A stated number differs from the one that the rules give.
    #[error("{field} is {found}, the rules give {expected}")]
    Value {
        /// The header's field.
        field: &'static str,
        /// What the header states.
        found: U256,
        /// What it should be.
        expected: U256,
    },
    /// A stated hash differs from the computed one.
    #[error("{field} is {found}, computed {expected}")]
    Root {
        /// The header's field.
        field: &'static str,
        /// What the header states.
        found: B256,
        /// What was computed.
        expected: B256,
    },
    /// The logs bloom differs from the one of the receipts.
    #[error("logs bloom differs from that of the receipts")]
    Bloom,
    /// A field of a later fork is present.
    #[error("{0} does not exist under London rules")]
    LaterFork(&'static str),
    /// The mix digest does not belong to this header and nonce.
    #[error("mix digest is {found}, hashimoto gives {expected}")]
    Mix {
        /// What the header states.
        found: B256,
        /// What hashimoto gives.
        expected: B256,
    },
    /// The seal's hash is above the boundary.
    #[error("proof of work {result} is above the boundary of difficulty {difficulty}")]
    ProofOfWork {
        /// The hash.
        result: B256,
        /// The difficulty stated.
        difficulty: U256,
    },
    /// An ommer breaks a rule.
    #[error("ommer {index}: {why}")]
    Ommer {
        /// Its place in the list, from 0.
        index: usize,
        /// Which rule.
        why: String,
    },
    /// A transaction cannot be executed.
    #[error("transaction {index} ({hash}): {why}")]
    Transaction {
        /// Its place in the block, from 0.
        index: usize,
        /// Its hash.
        hash: B256,
        /// Which rule.
        why: String,
    },
}

/// Why a transaction was not taken into the pool. The texts are go-ethereum's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectedTransaction {
    /// The bytes are no transaction.
    #[error("{0}")]
    Undecodable(String),
    /// A type that London does not know.
    #[error("transaction type not supported")]
    TypeNotSupported,
    /// Another chain's transaction.
    #[error("invalid chain id for signer: have {found} want {expected}")]
    ChainId {
        /// The transaction's chain id.
        found: u64,
        /// This chain's.
        expected: u64,
    },
    /// No chain id at all: anybody could replay it on another chain.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    NotReplayProtected,
    /// The signature gives no address.
    #[error("invalid sender")]
    InvalidSender,
    /// It is in the pool already.
    #[error("already known")]
    AlreadyKnown,
    /// The sender's next nonce is higher.
    #[error("nonce too low: next nonce {next}, tx nonce {found}")]
    NonceTooLow {
        /// The sender's next nonce.
        next: u64,
        /// The transaction's.
        found: u64,
    },
    /// The nonce is too far ahead of the sender's next one.
    #[error("nonce {found} is more than {limit} ahead of the next nonce {next}")]
    NonceTooHigh {
        /// The sender's next nonce.
        next: u64,
        /// The transaction's.
        found: u64,
        /// How far ahead the pool keeps transactions.
        limit: u64,
    },
    /// Another transaction with this nonce pays as much or nearly as much.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The pool is full of better paying ones.
    #[error("transaction underpriced")]
    Underpriced,
    /// The sender cannot pay for it.
    #[error("insufficient funds for gas * price + value: address {address} have {have} want {want}")]
    InsufficientFunds {
        /// The sender.
        address: Address,
        /// Balance in wei.
        have: U256,
        /// Cost in wei.
        want: U256,
    },
    /// The gas does not even cover the data.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas {
        /// Gas given.
        have: u64,
        /// Gas needed before the first instruction.
        want: u64,
    },
    /// More gas than a block has.
    #[error("exceeds block gas limit")]
    GasLimit,
    /// The tip is above the total fee.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFeeCap,
    /// More bytes than the pool takes.
    #[error("oversized data")]
    Oversized,
    /// The sender is a contract (EIP-3607).
    #[error("sender not an eoa: address {0}")]
    SenderIsContract(Address),
}
