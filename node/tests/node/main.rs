//! The node as a whole: chains that are built, forked, mutated, restarted and killed, and what other
//! implementations say about them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod blocks;
mod mutations;
mod oracle;
mod reorgs;
mod support;
