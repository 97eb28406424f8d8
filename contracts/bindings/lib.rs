//! MedRec's contracts as Rust types.
//!
//! What: calls, return values, events, errors and creation code of the five contracts, generated from the committed
//! `artifacts/*.json`; the messages that people sign ([`signed`]); and the few hashes that both sides compute ([`hashes`]).
//! Why here: whoever talks to the chain, signs a consent or checks a proof needs one source of these types.
//! What not: no provider, no transaction, no key. docs/CONTRACTS.md explains the contracts themselves.

pub mod hashes;
pub mod signed;

mod artifacts;

pub use artifacts::{Bounties, Consents, Registrar, Relationships, Releases};
