//! Mines: work of nodes, search over processors and devices, statistics.
//!
//! A [`Miner`] fetches work from one or more Ethereum nodes (`eth_getWork`), searches nonces on every core and on OpenCL
//! devices with the kernels, checks each solution on the CPU and brings it back. Several can run in one process.
//!
//! What it does not know: health data, privacy, what a block earns, terminals. Whoever wants to act on solved blocks listens
//! to [`MinerEvent::Accepted`] or asks [`MinerHandle::accepted_blocks`].
//!
//! ```no_run
//! use medrec_miner::{DatasetPolicy, Miner, MinerEvent, MinerOptions};
//!
//! # async fn example() -> Result<(), medrec_miner::MinerError> {
//! let mut options = MinerOptions::new(["http://127.0.0.1:8545"]);
//! options.coinbase = Some("0x00000000000000000000000000000000000000aa".parse().expect("an address"));
//! options.threads = 1;
//! options.dataset = DatasetPolicy::Never; // a development chain of low difficulty
//! let miner = Miner::start(options).await?;
//! let mut events = miner.events();
//! while let Ok(event) = events.recv().await {
//!     if let MinerEvent::Accepted(block) = event {
//!         println!("block {:?}, sealed by nonce {}", block.number, block.nonce);
//!         break;
//!     }
//! }
//! println!("{} hashes a second", miner.statistics().hashrate_hps);
//! let last = miner.stop().await;
//! assert_eq!(last.solutions.pending, 0);
//! # Ok(())
//! # }
//! ```
//!
//! The way through: `source` gives an assignment, `epoch` the tables for it, `search::board` hands both to the workers,
//! `submission` takes what they find; `miner` holds them together.

mod api;
mod backoff;
mod epoch;
mod error;
mod event;
mod meter;
mod miner;
mod options;
mod search;
mod shared;
mod source;
mod statistics;
mod submission;
mod tasks;
mod work;
mod workers;

pub use error::MinerError;
pub use event::{AcceptedBlock, MinerEvent};
pub use medrec_kernels::ethash::Schedule;
pub use meter::{DeviceState, DeviceStatistics};
pub use miner::{Miner, MinerHandle};
pub use options::{DatasetPolicy, MinerOptions};
pub use source::NodeStatistics;
pub use statistics::{PreparationStatistics, SolutionStatistics, Statistics, WorkStatistics};
pub use work::{STALE_BLOCKS, Work};
