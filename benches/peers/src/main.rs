//! Rivals as engines of medrec's own benchmarks, our services under load, and the generators of docs/HASHRATE.md and
//! docs/EVALUATION.md.
//!
//! Each rival implements the same definition as our engines (`medrec-benches`), has its answers checked
//! like them, and takes turns with them in one run. Rival crates are linked; rivals in C and C++ are
//! small driver processes compiled from `drivers/`, since this workspace keeps foreign calls out of Rust
//! code. A rival that is not there becomes a row that says what is missing. Services (node, gatekeeper, miner) are processes of the
//! binary, set up with its own commands.
//!
//! What is not here: our engines (`medrec-kernels`), the harness (`medrec-benches`).

mod anonymize;
mod arguments;
mod census;
mod chfast;
mod crates;
mod document;
mod driver;
mod ethash_crate;
mod evaluation;
mod geth;
mod hashrate;
mod mining;
mod newcomer;
mod process;
mod progress;
mod scale;
mod services;
mod sources;
mod xkcp;

use clap::Parser as _;

use arguments::{Arguments, Command};

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Fetch => sources::fetch(),
        Command::Anonymize(arguments) => anonymize::run(&arguments),
        Command::Census(arguments) => census::run(&arguments),
        Command::Evaluation(arguments) => evaluation::run(&arguments),
        Command::Hashrate(arguments) => hashrate::run(&arguments),
        Command::Mining(arguments) => mining::run(&arguments),
        Command::Newcomer(arguments) => newcomer::run(&arguments),
        Command::Scale(arguments) => scale::run(&arguments),
        Command::Services(arguments) => services::run(&arguments),
    }
}
