//! Starts one program of a step, shows its output on stderr while it runs, and counts its tests.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result};

use crate::shell;
use crate::tally::Tally;
use crate::workspace::{self, Workspace};

/// A program about to be started.
pub(crate) struct Job(Command);

impl Job {
    /// A program started in the workspace's root, without input.
    pub(crate) fn new(workspace: &Workspace, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(&workspace.root).stdin(Stdio::null());
        Self(command)
    }

    /// Cargo with these arguments.
    pub(crate) fn cargo(workspace: &Workspace, arguments: &[&str]) -> Self {
        let mut job = Self::new(workspace, workspace::cargo()).args(arguments);
        if std::io::stderr().is_terminal() {
            job.0.env("CARGO_TERM_COLOR", "always");
        }
        job
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: &[S]) -> Self {
        self.0.args(arguments);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Removes an environment variable.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Starts it in another folder.
    pub(crate) fn dir(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs it to its end. An exit status other than 0 is a failed tally, not an error; an error is a
    /// program that could not be started.
    pub(crate) fn run(mut self) -> Result<Tally> {
        let program = self.0.get_program().to_string_lossy().into_owned();
        let mut child = self
            .0
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{program} could not be started"))?;
        let stdout = child.stdout.take().context("the child has no stdout")?;
        let stderr = child.stderr.take().context("the child has no stderr")?;
        let other = thread::spawn(move || forward(stderr));
        let mut tally = forward(stdout);
        tally += other.join().unwrap_or_default();
        let status = child.wait().with_context(|| format!("{program} could not be waited for"))?;
        if !status.success() {
            shell::note(&format!("{program}: {status}"));
        }
        Ok(tally.of_step(status.success()))
    }

    /// Runs it to its end with the terminal's own stdin, stdout and stderr.
    pub(crate) fn attached(mut self) -> Result<bool> {
        let program = self.0.get_program().to_string_lossy().into_owned();
        let status = self
            .0
            .stdin(Stdio::inherit())
            .status()
            .with_context(|| format!("{program} could not be started"))?;
        Ok(status.success())
    }
}

/// Copies each line to stderr and counts what it counts.
fn forward(source: impl Read) -> Tally {
    let mut tally = Tally::default();
    let mut lines = BufReader::new(source);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        shell::note(text.trim_end_matches(['\n', '\r']));
        tally.read(&text);
        line.clear();
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_exits_with_an_error_has_failed() {
        let workspace = Workspace::find().unwrap();
        let tally = Job::new(&workspace, "sh").args(&["-c", "exit 3"]).run().unwrap();
        assert_eq!((tally.passed, tally.failed), (0, 1));
    }

    #[test]
    fn tests_are_counted_on_both_streams() {
        let workspace = Workspace::find().unwrap();
        let script = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; \
                      echo 'test result: ok. 3 passed; 0 failed; 0 ignored' >&2";
        let tally = Job::new(&workspace, "sh").args(&["-c", script]).run().unwrap();
        assert_eq!(tally, Tally { passed: 5, failed: 0, skipped: 0 });
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error_that_names_it() {
        let workspace = Workspace::find().unwrap();
        let error = Job::new(&workspace, "no-such-program").run().unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }
}
