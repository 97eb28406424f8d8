//! The steps of `cargo xtask test`, as a table. A room that brings a check of its own adds a line
//! here; how steps are run, timed and counted is in `checks`.

use anyhow::Result;

use crate::bundles;
use crate::oracles;
use crate::runner::Job;
use crate::sanitizers;
use crate::setup::Need;
use crate::tally::Tally;
use crate::tidy;
use crate::workspace::Workspace;

/// One step of `cargo xtask test`.
pub(crate) struct Step {
    /// What users type after `--only`.
    pub(crate) name: &'static str,
    /// What it shows, in a few words.
    pub(crate) shows: &'static str,
    /// What must be on the machine.
    pub(crate) needs: &'static [Need],
    /// Whether `--quick` leaves it out.
    pub(crate) slow: bool,
    /// A folder without which there is nothing to check yet. A folder that exists always runs its step.
    pub(crate) room: &'static str,
    /// Runs it.
    pub(crate) run: fn(&Workspace) -> Result<Tally>,
}

/// Every step, in the order in which they run: the quickest answers first.
pub(crate) const STEPS: [Step; 12] = [
    Step {
        name: "format",
        shows: "every Rust file is formatted",
        needs: &[Need::RustComponents],
        slow: false,
        room: "",
        run: |workspace| Job::cargo(workspace, &["fmt", "--all", "--check"]).run(),
    },
    Step {
        name: "tidy",
        shows: "the house rules hold",
        needs: &[Need::Git],
        slow: false,
        room: "",
        run: tidy::check,
    },
    Step {
        name: "lint",
        shows: "clippy has nothing to say",
        needs: &[Need::RustComponents, Need::CCompiler],
        slow: false,
        room: "",
        run: |workspace| {
            let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
            Job::cargo(workspace, &arguments).run()
        },
    },
    Step {
        name: "build",
        shows: "every room builds",
        needs: &[Need::CCompiler],
        slow: false,
        room: "",
        run: |workspace| Job::cargo(workspace, &["build", "--workspace", "--locked"]).run(),
    },
    Step {
        name: "tests",
        shows: "unit and integration tests of every room pass",
        needs: &[
            Need::CCompiler,
            Need::OpenCl,
            Need::Clang,
            Need::Python,
            Need::Node,
            Need::Postgres,
            Need::MariaDb,
            Need::TutorialTools,
        ],
        slow: false,
        room: "",
        run: tests,
    },
    Step {
        name: "examples-in-docs",
        shows: "the examples in the documentation run",
        needs: &[Need::CCompiler],
        slow: false,
        room: "",
        run: |workspace| {
            Job::cargo(workspace, &["test", "--workspace", "--doc", "--locked", "--no-fail-fast"]).run()
        },
    },
    Step {
        name: "documentation",
        shows: "the documentation builds without a broken link",
        needs: &[Need::CCompiler],
        slow: false,
        room: "",
        run: |workspace| {
            Job::cargo(
                workspace,
                &["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"],
            )
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()
        },
    },
    Step {
        name: "contracts",
        shows: "the contracts' own tests pass",
        needs: &[Need::Node],
        slow: false,
        room: "contracts",
        run: |workspace| oracles::npm(workspace, "contracts", &["test"]),
    },
    Step {
        name: "bundle-oracles",
        shows: "other people's software reads bundles as we do",
        needs: &[Need::CCompiler, Need::Python],
        slow: true,
        room: "anonymizer/oracles",
        run: bundles::oracles,
    },
    Step {
        name: "bundle-report",
        shows: "reports of bundles are legible in Chromium, on a telephone and on a desk",
        needs: &[Need::CCompiler, Need::Node, Need::Chromium],
        slow: true,
        room: "anonymizer/oracles",
        run: bundles::report,
    },
    Step {
        name: "notebooks",
        shows: "the notebooks run from their first cell to their last",
        needs: &[Need::CCompiler, Need::Python],
        slow: true,
        room: "notebooks",
        run: bundles::notebooks,
    },
    Step {
        name: "address-sanitizer",
        shows: "the kernels' tests touch no memory that is not theirs",
        needs: &[Need::CCompiler],
        slow: true,
        room: "",
        run: sanitizers::address,
    },
];

/// Runs every unit and integration test, with nextest where it is installed.
fn tests(workspace: &Workspace) -> Result<Tally> {
    let has_nextest = crate::setup::answers("cargo-nextest", &["--version"]);
    // Many tests wait for blocks; two more than there are processors keep these busy meanwhile.
    let threads = std::thread::available_parallelism().map_or(1, usize::from) + 2;
    let threads = format!("--test-threads={threads}");
    let arguments: &[&str] = if has_nextest {
        &["nextest", "run", "--workspace", "--locked", "--no-fail-fast", &threads]
    } else {
        &["test", "--workspace", "--tests", "--examples", "--locked", "--no-fail-fast"]
    };
    Job::cargo(workspace, arguments).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_names_of_their_own_that_can_be_typed() {
        for (index, step) in STEPS.iter().enumerate() {
            assert!(
                step.name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'),
                "{}",
                step.name
            );
            assert!(STEPS[..index].iter().all(|other| other.name != step.name), "{} twice", step.name);
        }
    }
}
