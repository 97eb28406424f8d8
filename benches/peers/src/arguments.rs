//! The command line of `medrec-peers`. Nothing here runs anything.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measure medrec beside its rivals.
#[derive(Debug, Parser)]
#[command(name = "medrec-peers", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch the sources of the rivals in C and C++ from their package registries into target/peers.
    Fetch,
    /// Run every benchmark with every rival, save the records, and write docs/HASHRATE.md with its plots.
    Hashrate(HashrateArguments),
}

/// Arguments of `medrec-peers hashrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct HashrateArguments {
    /// Short samples of few engines: a check that the page can be made, not figures to publish.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Let the rivals build the whole dataset too (minutes); else their time is extrapolated from a part.
    #[arg(long)]
    pub(crate) full: bool,
    /// Folder that holds docs/ and benches/.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}
