//! The one binary: arguments, shell, wiring.
//!
//! Knows every room, and holds no logic of theirs. Arguments are parsed ([`args`]), checked into a plan and
//! run ([`commands`]); only [`shell`] prints; [`exit`] documents what the process returns.

mod args;
mod cache_folder;
mod commands;
mod exit;
mod interrupt;
mod mnemonic_file;
mod open_files;
mod password;
mod shell;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match args::parse() {
        Ok(arguments) => arguments,
        Err(error) => return shell::print_parser_message(&error).into(),
    };
    let mut shell = shell::Shell::new(arguments.output);
    let result = commands::run(arguments.command, &mut shell);
    shell.finish(result).into()
}
