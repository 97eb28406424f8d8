//! `medrec node`, `medrec genesis` and the wallets' commands as people meet them: real processes that are started,
//! asked, stopped and started again.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it like the test itself")]

mod block_files;
mod clients;
mod genesis;
mod node;
mod process;
mod wallet;
