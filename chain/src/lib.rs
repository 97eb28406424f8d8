//! A client of any Ethereum node, for MedRec's contracts.
//!
//! Four things, each usable alone:
//! - [`Client`]: which of several nodes may be asked now. A node that is down, behind, on another chain or lying about a
//!   header is a [`Health`] with words for it, never an answer. [`Client::view`] gives a [`View`]: one block of one node;
//!   everything read through it is read at that block, by its hash.
//! - [`Contracts`]: the five addresses; typed reads ([`Contracts::at`]), typed calls ([`Contracts::act`]), and every
//!   EIP-712 act ([`acts`]) signed by one person and carried by another ([`Contracts::authorise`], [`Contracts::relay`]).
//! - [`Sender`]: transactions of one account, durable before they are sent, resent and replaced under the same nonce until they
//!   have their confirmations.
//! - [`Follower`]: events from a stored [`Position`] on, exactly once through re-organisations.
//!
//! What it does not know: mining, privacy, records, keys' files. It is the only room that knows the RPC client. It
//! speaks plain HTTP, for nodes on loopback or in a private network; TLS is a tunnel's business, and there is no WebSocket:
//! heads are polled.
//!
//! A permission check that fails closed, and a patient's grant that a relayer carries:
//!
//! ```
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use alloy_primitives::{Address, B256};
//! use alloy_signer_local::PrivateKeySigner;
//! use medrec_chain::acts::consents::Grant;
//! use medrec_chain::{
//!     ChainError, Client, ClientOptions, Contract, Contracts, Request, Sender, SenderOptions, State,
//! };
//!
//! /// Whether the patient's grant is in force at the chain's newest block. An error is a no.
//! async fn may_read(client: &Client, contracts: &Contracts, patient: Address, terms: B256) -> bool {
//!     let Ok(view) = client.view().await else { return false };
//!     contracts.at(&view).is_in_force(patient, terms).await.unwrap_or(false)
//! }
//!
//! /// Signs a grant with the patient's key, sends it from the relayer's account and waits for 12 confirmations.
//! async fn grant(
//!     contracts: &Contracts,
//!     patient: &PrivateKeySigner,
//!     terms: B256,
//!     relayer: &Sender,
//!     deadline_s: u64,
//! ) -> Result<State, ChainError> {
//!     let view = relayer.client().view().await?;
//!     let nonce = contracts.at(&view).nonce(Contract::Consents, patient.address()).await?;
//!     let act = Grant { patient: patient.address(), terms };
//!     let signed = contracts.authorise(&act, patient, nonce, deadline_s).await?;
//!     let request = Request::from(contracts.relay(&act, &signed)).with_key(format!("grant {terms}"));
//!     let nonce = relayer.send(request).await?;
//!     relayer.wait(nonce).await
//! }
//!
//! async fn relayer(key: PrivateKeySigner) -> Result<Sender, ChainError> {
//!     let options = ClientOptions::new(["http://127.0.0.1:8545", "http://10.0.0.2:8545"], 1337);
//!     let client = Client::connect(options).await?;
//!     Sender::open(client, Arc::new(key), Path::new("outbox.redb"), SenderOptions::default())
//! }
//! ```

pub mod acts;
mod backoff;
mod client;
mod contract;
pub mod contracts;
mod error;
pub mod follower;
mod health;
mod network;
mod refusal;
pub mod sender;

pub use acts::{Authorisation, SignedAct, SignedMessage};
pub use client::{Call, Client, ClientOptions, Head, Receipt, View};
pub use contract::{Contract, ContractCall};
pub use contracts::{Act, Contracts, KeyHistory, Ownership, PatientAct, Progress, Reader, Role, Status};
pub use error::{ChainError, Remedy};
pub use follower::{
    ContractEvent, Event, Follower, FollowerOptions, FollowerState, Position, PositionFile, Step, Update,
};
pub use health::{BlockRef, Health, Lag, NodeHealth, NodeState};
pub use network::{Network, NetworkFileError};
pub use refusal::Refusal;
pub use sender::{Attempt, Entry, FeePolicy, Fees, Inclusion, Request, Sender, SenderOptions, State, Wait};
