//! The provider's service beside its database: signed reads, consents, notifications, releases, claims.
//!
//! ```text
//! wallet -- signed request --> service -> policy (the chain at its newest block) -> records, masked
//!                                |-> consents, links, notifications   store
//!                                |-> every decision                   audit log, anchored on chain
//!                                `-> censuses, claims                 rewards
//! ```
//!
//! It fails closed: whatever cannot be looked up on chain allows nothing (docs/GATEKEEPER.md). What it does not know: mining, nodes' insides,
//! kernels; how records are stored (`datasets`); what a wallet does with an answer.

#![expect(
    clippy::similar_names,
    reason = "a shelf beside self, a signer beside what was signed, a code beside codes: each is the right word"
)]

mod answer;
mod audit;
mod bell;
mod consents;
mod error;
mod facts;
mod gatekeeper;
mod keys;
mod methods;
mod notices;
mod options;
mod outboxes;
mod policy;
mod provider;
mod reading;
mod records;
mod relay;
mod releases;
pub mod rewards;
mod service;
mod state;
mod status;
mod store;
mod tasks;

pub use error::GatekeeperError;
pub use gatekeeper::Gatekeeper;
pub use options::{Limits, Options, Rate, Rates, standard_value_sets};
