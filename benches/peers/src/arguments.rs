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
    /// Run the job of `medrec bench anonymize` by us and by every rival, and save the records.
    Anonymize(AnonymizeArguments),
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

/// Arguments of `medrec-peers anonymize`.
#[derive(Debug, clap::Args)]
pub(crate) struct AnonymizeArguments {
    /// Rows of the generated table.
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) rows: u64,
    /// Seed of the generated rows; the noise has none.
    #[arg(long, default_value_t = medrec_benches::definition::anonymize::DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// Samples of those who need seconds; who needs minutes is sampled once.
    #[arg(long, default_value_t = 5)]
    pub(crate) samples: u32,
    /// These rivals alone: opendp, diffprivlib, smartnoise, tumult, pipelinedp.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Folder that holds docs/ and benches/.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}
