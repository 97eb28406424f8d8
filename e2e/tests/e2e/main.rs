//! Rooms together, over real sockets and real files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod chain;
mod network;
