//! Networks for tests of rooms together: our own node over HTTP, the contracts, people with keys, outboxes; see `tests/`.
//!
//! Two kinds of chain: one that seals its blocks itself as time passes ([`RunningNode::sealing`]), and one whose blocks the test makes
//! ([`Ground`]). Why here: this is the one room that may know all others, so that what they promise each other is tried as a network would
//! run them. What not: the insides of any room, and code that another room could use.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on says so by panicking"
)]

mod ground;
mod node;
mod outbox;
mod people;

pub use ground::{Ground, Setting};
pub use node::{RunningNode, client_options};
pub use outbox::{outbox, sender_options};
pub use people::{candidate, funded, now_s, person};

/// Id of every chain here.
pub const CHAIN: u64 = medrec_node::spec::DEV_CHAIN_ID;
