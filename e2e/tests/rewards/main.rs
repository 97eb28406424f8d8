//! Rewards on a real chain: epochs, shards, bounties; what is refused, what survives, what 1,000 blocks add up to.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod bounties;
mod collector;
mod counter;
mod faults;
mod forgotten;
mod hospital;
mod onchain;
mod refusals;
mod rotation;
mod shards;
mod simulation;
mod yard;
