//! Wallets on a real chain and at a real gatekeeper: from an empty network to a verified reward.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod keys;
mod town;
mod walk;
