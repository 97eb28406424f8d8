//! Rivals as engines of medrec's own benchmarks, and the generator of docs/HASHRATE.md.
//!
//! Each rival implements the same definition as our engines (`medrec-benches`), has its answers checked
//! like them, and takes turns with them in one run. Rival crates are linked; rivals in C and C++ are
//! small driver processes compiled from `drivers/`, since this workspace keeps foreign calls out of Rust
//! code. A rival that is not there becomes a row that says what is missing.
//!
//! What is not here: our engines (`medrec-kernels`), the harness (`medrec-benches`).

mod chfast;
mod crates;
mod driver;
mod ethash_crate;
mod geth;
mod hashrate;
mod sources;
mod xkcp;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measure medrec beside its rivals.
#[derive(Debug, Parser)]
#[command(name = "medrec-peers", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
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

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Fetch => sources::fetch(),
        Command::Hashrate(arguments) => hashrate::run(&arguments),
    }
}

/// Tells what is being done, on stderr; nobody is left to tell when that fails.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
