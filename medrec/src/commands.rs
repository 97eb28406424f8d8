//! One module a command; each turns arguments into a plan, and runs the plan.

mod bench;
mod engines;

use crate::args::Command;
use crate::shell::Shell;

/// Runs a command to its end.
pub(crate) fn run(command: Command, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        Command::Engines => engines::run(shell),
        Command::Bench(command) => bench::run(command, shell),
    }
}
