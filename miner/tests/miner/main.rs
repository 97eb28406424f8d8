//! The miner against real nodes over real sockets, and against peers that are no honest nodes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod chain;
mod heads;
mod nodes;
mod notify;
mod peers;
mod support;
