//! Arguments of `medrec gatekeeper`, as the user types them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Arguments of `medrec gatekeeper`.
#[derive(Debug, Args)]
pub(crate) struct GatekeeperArguments {
    /// Configuration file (TOML); docs/CLI.md lists every key.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// File whose first line is the keystore's password; else the configuration's, else `MEDREC_PASSWORD`.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Where to listen, instead of the configuration's address; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Check the configuration, the keystore and the records, and end.
    #[arg(long)]
    pub(crate) check: bool,
}
