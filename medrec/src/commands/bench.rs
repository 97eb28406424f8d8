//! `medrec bench`: which benchmark, and what its parts share.

mod anonymize;
mod compare;
mod dag;
mod dataset;
mod device;
mod epoch;
mod ethash;
mod keccak;
mod measure;
mod plan;
mod report;

use crate::args::BenchCommand;
use crate::shell::Shell;

/// Runs the benchmark.
pub(super) fn run(command: BenchCommand, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        BenchCommand::Ethash(arguments) => ethash::run(&arguments, shell),
        BenchCommand::Keccak(arguments) => keccak::run(&arguments, shell),
        BenchCommand::Anonymize(arguments) => anonymize::run(&arguments, shell),
        BenchCommand::Dag(arguments) => dag::run(&arguments, shell),
        BenchCommand::Compare { first, second } => compare::run(&first, &second, shell),
    }
}
