//! `medrec node`, `medrec genesis` and the wallets' commands as people meet them: real processes that are started,
//! asked, stopped, killed and started again. What needs a clock of its own or a kill at one write runs on Linux (`preload.c`).

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of a test may fail it like the test itself"
)]

mod block_files;
mod clients;
#[cfg(target_os = "linux")]
mod gatekeeper;
mod genesis;
#[cfg(target_os = "linux")]
mod hospital;
#[cfg(target_os = "linux")]
mod kills;
mod node;
#[cfg(target_os = "linux")]
mod offices;
#[cfg(target_os = "linux")]
mod preload;
mod process;
#[cfg(target_os = "linux")]
mod rewards;
#[cfg(target_os = "linux")]
mod tutorial;
mod wallet;
