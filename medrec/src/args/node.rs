//! Arguments of `medrec node` and `medrec genesis`, as the user types them.

use std::path::PathBuf;

use alloy_primitives::Address;
use clap::{Args, Subcommand, ValueEnum};
use medrec_node::GenesisDialect;

/// Arguments of `medrec node`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct NodeArguments {
    /// What to do instead of running the node.
    #[command(subcommand)]
    pub(crate) command: Option<NodeCommand>,
    #[command(flatten)]
    pub(crate) run: NodeRunArguments,
}

/// Acts on a chain whose node does not run.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Write the canonical blocks to a file, as `geth export` does.
    #[command(after_help = "Example:\n  medrec node export --datadir chain blocks.rlp")]
    Export(ExportArguments),
    /// Check, execute and store the blocks of a file, as `geth import` does.
    #[command(
        after_help = "Example:\n  medrec node import --datadir copy --genesis genesis.json blocks.rlp\n\n\
            Every check of a block from outside is made, the seal's included. Blocks before a refused one\n\
            are kept."
    )]
    Import(ImportArguments),
}

/// Arguments that say which chain, and where it is.
#[derive(Debug, Args)]
pub(crate) struct ChainArguments {
    /// Folder of the chain; `medrec/node` in the user's data folder when absent, and with `--dev` a
    /// temporary one.
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: Option<PathBuf>,
    /// A development chain: id 1337, low fixed difficulty, funded accounts.
    #[arg(long, conflicts_with_all = ["genesis", "chain_id"])]
    pub(crate) dev: bool,
    /// Genesis file of the chain, of any dialect; needed when the folder is new.
    #[arg(long, value_name = "FILE", conflicts_with = "chain_id")]
    pub(crate) genesis: Option<PathBuf>,
    /// Id of a new chain without funded accounts, at the minimum difficulty.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) chain_id: Option<u64>,
    /// With `--dev`: file with the mnemonic of the funded accounts; the public one of development tools
    /// when absent.
    #[arg(long, value_name = "FILE", requires = "dev")]
    pub(crate) mnemonic_file: Option<PathBuf>,
    /// With `--dev`: funded accounts.
    #[arg(long, value_name = "N", requires = "dev", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) accounts: Option<u32>,
    /// With `--dev`: the fixed difficulty, light hashes that a block takes on average; 100 when absent. With miners
    /// beside it, about as many as they make in a second.
    #[arg(long, value_name = "N", requires = "dev", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) difficulty: Option<u64>,
}

/// Arguments of `medrec node` that runs.
#[derive(Debug, Args)]
pub(crate) struct NodeRunArguments {
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
    /// Port of JSON-RPC over HTTP and WebSocket; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 8545)]
    pub(crate) http_port: u16,
    /// Address to listen on. Whoever reaches it can use the node: there is no password.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) http_host: String,
    /// Who is paid for blocks; with `--dev` the first funded account when absent.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) coinbase: Option<Address>,
    /// URL that hears of new work by POST; can be given several times.
    #[arg(long, value_name = "URL")]
    pub(crate) notify: Vec<String>,
    /// With `--dev`: threads that seal blocks; 0 leaves sealing to miners.
    #[arg(long, value_name = "N", requires = "dev", value_parser = clap::value_parser!(u16).range(0..=256))]
    pub(crate) threads: Option<u16>,
    /// With `--dev`: seconds after which a block is made even without transactions; 0 waits for them.
    #[arg(long, value_name = "SECONDS", requires = "dev", value_parser = clap::value_parser!(u16).range(0..=3_600))]
    pub(crate) period: Option<u16>,
    /// Origin of web pages that may call, such as `https://portal.example`; `*` for any. Can be given
    /// several times.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// Name under which clients reach this node beside `localhost` and plain addresses; `*` for any. Can be
    /// given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// Connections at once, HTTP and WebSocket together.
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,
    /// Connections at once from one address; everybody behind a proxy or tunnel has the same one.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections_per_client: u32,
}

/// Arguments of `medrec node export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
    /// File to write; it must not exist.
    pub(crate) file: PathBuf,
    /// First block.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) from: u64,
    /// Last block; the head when absent.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: Option<u64>,
}

/// Arguments of `medrec node import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    pub(crate) chain: ChainArguments,
    /// Block file.
    pub(crate) file: PathBuf,
}

/// Arguments of `medrec genesis`.
#[derive(Debug, Args)]
pub(crate) struct GenesisArguments {
    /// Whose file is written.
    #[arg(long = "for", value_name = "CLIENT", value_enum)]
    pub(crate) client: Client,
    /// Id of the chain.
    #[arg(long, value_name = "N", default_value_t = super::DEFAULT_CHAIN_ID, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) chain_id: u64,
    /// JSON file of accounts that exist from the start, of the form of a genesis file's `alloc`.
    #[arg(long, value_name = "FILE", conflicts_with = "mnemonic_file")]
    pub(crate) alloc: Option<PathBuf>,
    /// File with a mnemonic whose first accounts get a million ether each.
    #[arg(long, value_name = "FILE")]
    pub(crate) mnemonic_file: Option<PathBuf>,
    /// Accounts of the mnemonic.
    #[arg(long, value_name = "N", requires = "mnemonic_file", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) accounts: u32,
    /// File to write instead of stdout; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// An address in hex; one with capitals and small letters is held against its checksum (EIP-55).
pub(super) fn address(text: &str) -> Result<Address, String> {
    let digits = text.strip_prefix("0x").ok_or("an address begins with 0x")?;
    let address: Address = text.parse().map_err(|_| "an address is 0x and 40 hex digits")?;
    let has = |is_case: fn(&char) -> bool| digits.chars().any(|digit| is_case(&digit));
    let is_mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    if is_mixed && address.to_checksum(None) != text {
        return Err("its capitals do not fit: one of its digits is mistyped".to_owned());
    }
    Ok(address)
}

/// Clients that read genesis files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// core-geth.
    CoreGeth,
    /// go-ethereum up to 1.11.6.
    Geth,
    /// Besu up to 25.6.
    Besu,
    /// `medrec node`.
    Embedded,
}

impl Client {
    /// The client's dialect of genesis files.
    pub(crate) fn dialect(self) -> GenesisDialect {
        match self {
            Self::CoreGeth => GenesisDialect::CoreGeth,
            Self::Geth => GenesisDialect::Geth,
            Self::Besu => GenesisDialect::Besu,
            Self::Embedded => GenesisDialect::Embedded,
        }
    }
}
