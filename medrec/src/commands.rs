//! One module a command; each turns arguments into a plan, and runs the plan.

mod anonymize;
mod bench;
mod claim;
mod collecting;
mod demo;
mod engines;
mod equipment;
mod gatekeeper;
mod genesis;
mod keys;
mod mine;
mod node;
mod patient;
mod provider;
mod researcher;
mod synth;
mod verify;
mod wallet;

use crate::args::Command;
use crate::shell::Shell;

/// Runs a command to its end.
pub(crate) fn run(command: Command, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments, shell),
        Command::Engines => engines::run(shell),
        Command::Bench(command) => bench::run(command, shell),
        Command::Node(arguments) => node::run(*arguments, shell),
        Command::Gatekeeper(arguments) => gatekeeper::run(&arguments, shell),
        Command::Mine(arguments) => mine::run(&arguments, shell),
        Command::Genesis(arguments) => genesis::run(&arguments, shell),
        Command::Synth(arguments) => synth::run(&arguments, shell),
        Command::Anonymize(arguments) => anonymize::run(&arguments, shell),
        Command::Verify(arguments) => verify::run(&arguments, shell),
        Command::Claim(arguments) => claim::run(&arguments, shell),
        Command::Patient(command) => patient::run(*command, shell),
        Command::Provider(command) => provider::run(*command, shell),
        Command::Researcher(command) => researcher::run(*command, shell),
    }
}
