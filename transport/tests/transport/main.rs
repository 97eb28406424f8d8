//! The port and the client over real sockets, with peers that behave as they should and as they should not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod client;
mod crowding;
mod deadlines;
mod ending;
mod peer;
