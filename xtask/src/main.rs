//! The project's own chores, run as `cargo xtask <chore>`.
//!
//! Here stands the command line and nothing else; each chore has its file. No room of the product
//! depends on this crate, and it depends on none of them.

mod bundles;
mod checks;
mod oracles;
mod runner;
mod sanitizers;
mod setup;
mod shell;
mod steps;
mod tally;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::Workspace;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every check of the project; ends with `N passed, N failed`
    Test {
        /// Leave out the slow steps, and name them
        #[arg(long)]
        quick: bool,
        /// Run only this step (may be repeated); `--list` names them
        #[arg(long, value_name = "STEP")]
        only: Vec<String>,
        /// List the steps and what they need
        #[arg(long)]
        list: bool,
    },
    /// Check the house rules that no compiler checks
    Tidy,
    /// Install what the tests need, or say which command would
    Setup,
    /// Run the scalar kernels under miri, where a nightly toolchain has it
    Miri,
    /// Run Python in an environment that holds exactly the pinned requirements
    Python {
        /// File of pinned requirements (`name==version`), relative to the workspace
        requirements: PathBuf,
        /// Arguments of the Python interpreter
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            shell::note(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Runs one chore; false when it found something wrong.
fn run(chore: Chore) -> Result<bool> {
    let workspace = Workspace::find()?;
    match chore {
        Chore::Test { list: true, .. } => {
            checks::list();
            Ok(true)
        }
        Chore::Test { quick, only, .. } => checks::run(&workspace, quick, &only),
        Chore::Tidy => tidy::report(&workspace),
        Chore::Setup => setup::ensure(&setup::ALL).map(|()| true),
        Chore::Miri => sanitizers::miri(&workspace).map(tally::Tally::is_green),
        Chore::Python { requirements, arguments } => {
            oracles::python(&workspace, &requirements, &arguments).map(|()| true)
        }
    }
}
