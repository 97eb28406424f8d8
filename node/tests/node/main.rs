//! The node as a whole: chains that are built, forked, mutated, restarted and killed, and what other
//! implementations say about them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod blocks;
mod clients;
mod crash;
mod mining;
mod mutations;
mod oracle;
mod process;
mod protocol;
mod reorgs;
mod sockets;
mod support;
