//! Arguments of `medrec mine`, as the user types them.

use std::net::SocketAddr;
use std::path::PathBuf;

use alloy_primitives::Address;
use clap::{Args, ValueEnum};

use super::node::address;
use super::wallet::KeystoreArguments;

/// Arguments of `medrec mine`.
#[derive(Debug, Args)]
pub(crate) struct MineArguments {
    /// URLs of nodes, the preferred one first; the next one is used while those before it fail.
    #[arg(long = "node", value_name = "URL", value_delimiter = ',', required = true)]
    pub(crate) nodes: Vec<String>,
    /// Whom blocks should pay. `medrec node` does so; other nodes pay their own coinbase, which is told.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) coinbase: Option<Address>,
    /// Instruction set of the search threads; the fastest when absent. `medrec engines` lists them.
    #[arg(long, short, value_name = "NAME")]
    pub(crate) engine: Option<String>,
    /// Search threads; one for each core when absent, none when --device is given.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub(crate) threads: Option<u16>,
    /// OpenCL devices that search: numbers in `medrec engines`, or parts of their names.
    #[arg(long = "device", value_name = "DEVICE", value_delimiter = ',')]
    pub(crate) devices: Vec<String>,
    /// Address at which nodes may post notifications of new work, such as `127.0.0.1:8550`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) notify_listen: Option<SocketAddr>,
    /// Address of the monitoring API: `GET /status` and `GET /metrics`, read-only and without a password.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) api: Option<SocketAddr>,
    /// Stop after this many accepted blocks.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) blocks: Option<u64>,
    /// Stop after this many seconds.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: Option<u64>,
    /// Whether the epoch's dataset (1 GiB and more) is built; without it only light hashing is done, on devices too.
    #[arg(long, value_enum, default_value_t = DatasetArgument::Auto)]
    pub(crate) dataset: DatasetArgument,
    /// How the chain's blocks share epochs.
    #[arg(long, value_enum, default_value_t = ScheduleArgument::Ethash)]
    pub(crate) schedule: ScheduleArgument,
    /// Folder in which to collect what own blocks earn: claimed, verified and stored while it mines. Blocks pay the
    /// keystore's own account then.
    #[arg(long, value_name = "DIR")]
    pub(crate) collect: Option<PathBuf>,
    /// With `--collect`: network file, as `medrec provider deploy` writes it.
    #[arg(long, value_name = "FILE", default_value = "network.json")]
    pub(crate) network: PathBuf,
    #[command(flatten)]
    pub(crate) keys: KeystoreArguments,
    /// Folder of stored datasets; `MEDREC_CACHE_DIR`, else `medrec/ethash` in the user's cache folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// Whether a dataset is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatasetArgument {
    /// In the background; light hashing until it is ready.
    Auto,
    /// Light hashing only: for chains of low difficulty.
    Never,
}

/// How blocks share epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScheduleArgument {
    /// 30,000 blocks an epoch.
    Ethash,
    /// ECIP-1099: 60,000 blocks an epoch.
    Etchash,
}
