//! Keys, signed acts and requests of patients, providers and researchers.
//!
//! - [`Keystore`]: BIP-39 words under a password, and which of their accounts is for which provider.
//! - [`GatekeeperClient`]: every method of a gatekeeper, signed, bounded, retried where that is safe; [`Notifications`]
//!   follows its events.
//! - [`Desk`]: what a person signs for the contracts and a gatekeeper carries; [`Account`] for who pays with ether
//!   ([`provider`], [`researcher`]).
//! - [`recovery`] of a lost key by guardians; a [`second_party`] that has to agree.
//! - [`collector`]: from a solved block to a verified bundle on disk, whatever stops in between.
//! - [`onchain`]: what a chain can say about a bundle.
//!
//! What it does not know: records, databases, how noise is made, how blocks are mined; the collector works from the chain
//! alone.

pub mod account;
pub mod collector;
pub mod consent;
pub mod desk;
mod disk;
mod error;
pub mod gatekeeper;
pub mod keystore;
pub mod network;
pub mod onchain;
pub mod password;
pub mod provider;
pub mod recovery;
mod rehearsal;
pub mod researcher;
pub mod second_party;
pub mod wishes;
pub mod words;

pub use account::Account;
pub use alloy_signer_local::PrivateKeySigner;
pub use collector::{Collector, CollectorOptions};
pub use desk::Desk;
pub use error::{Advice, WalletError};
pub use gatekeeper::{GatekeeperClient, GatekeeperOptions, Notifications};
pub use keystore::{Keystore, Stretch};
pub use network::Place;
pub use password::Password;
pub use wishes::Wishes;
pub use words::Words;
