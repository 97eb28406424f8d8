//! The client against a real node that takes blocks back on demand (anvil), and against servers that lie, stall and hang up.
//!
//! anvil 1.7.1 comes from npm as `tests/anvil/package.json` pins it, on first use; node 20, npm and a package registry
//! are needed then. `MEDREC_ANVIL` names the folder of an installation that is there already. A missing node fails the tests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod acts;
mod anvil;
mod events;
mod faults;
mod network;
mod outbox;
mod server;
