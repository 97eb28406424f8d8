//! The only place that prints. Results go to stdout and nothing else does; progress, warnings and errors go
//! to stderr.
//!
//! `--quiet` and `--verbose` change stderr only. A reader who closes the pipe ends the command with
//! success. Progress bars are drawn on a terminal only; `NO_COLOR` switches colour off.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::Args;
use clap::error::ErrorKind;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::exit::{Exit, OutputClosed};

/// How a command reports; the same for all.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// Print the result as one JSON document.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing to stderr but errors.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Tell more on stderr about what is being done.
    #[arg(long, short, global = true)]
    verbose: bool,
}

/// Where a command prints.
#[derive(Debug)]
pub(crate) struct Shell {
    output: Output,
    stdout: io::Stdout,
    is_terminal: bool,
    has_color: bool,
}

impl Shell {
    pub(crate) fn new(output: Output) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { output, stdout: io::stdout(), is_terminal, has_color: is_terminal && !no_color }
    }

    /// Whether the result is to be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        self.output.json
    }

    /// Prints the result of the command.
    pub(crate) fn result(&mut self, text: &str) -> anyhow::Result<()> {
        let mut stdout = self.stdout.lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(OutputClosed.into()),
            other => Ok(other?),
        }
    }

    /// Prints the result of the command as one JSON document.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.result(&text)
    }

    /// Prints the result of the command as one JSON document on one line, for a command that goes on
    /// after its result: readers take a line.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string(value)?;
        text.push('\n');
        self.result(&text)
    }

    /// Says what is being done.
    pub(crate) fn status(&mut self, text: &str) {
        if !self.output.quiet {
            to_stderr(text);
        }
    }

    /// Says more about what is being done, with `--verbose`.
    pub(crate) fn detail(&mut self, text: &str) {
        if self.output.verbose {
            to_stderr(text);
        }
    }

    /// Says what makes the result doubtful.
    pub(crate) fn warning(&mut self, text: &str) {
        if !self.output.quiet {
            to_stderr(&format!("{} {text}", self.painted("warning:", "33")));
        }
    }

    /// What prints warnings from threads that have no shell.
    pub(crate) fn warner(&self) -> fn(&str) {
        if self.output.quiet { |_| {} } else { |text| to_stderr(&format!("warning: {text}")) }
    }

    /// What tells what is being done from threads that have no shell.
    pub(crate) fn teller(&self) -> fn(&str) {
        if self.output.quiet { |_| {} } else { to_stderr }
    }

    /// A bar for `total` units of work called `unit`; hidden off a terminal and with `--quiet`.
    pub(crate) fn bar(&self, message: &'static str, total: u64, unit: &str) -> ProgressBar {
        let target = if self.is_terminal && !self.output.quiet {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(message);
        let template = format!("{{msg}} [{{bar:30}}] {{percent:>3}} % {{per_sec}} {unit}, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// A line that is drawn again and again, for work without an end; `None` off a terminal and with `--quiet`.
    pub(crate) fn live_line(&self) -> Option<ProgressBar> {
        if !self.is_terminal || self.output.quiet {
            return None;
        }
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            line.set_style(style);
        }
        line.enable_steady_tick(Duration::from_millis(200));
        Some(line)
    }

    /// Reports how the command ended, and gives its exit code.
    pub(crate) fn finish(&mut self, result: anyhow::Result<()>) -> Exit {
        let Err(error) = result else { return Exit::Success };
        let exit = Exit::of(&error);
        if exit != Exit::Success {
            to_stderr(&format!("{} {error:#}", self.painted("error:", "31")));
        }
        exit
    }

    fn painted(&self, text: &str, color: &str) -> String {
        if self.has_color { format!("\u{1b}[1;{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A line to stderr; nobody is left to tell when even that fails.
fn to_stderr(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints what the argument parser has to say: help and version to stdout, mistakes to stderr.
pub(crate) fn print_parser_message(error: &clap::Error) -> Exit {
    let printed = error.print();
    let is_answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    match printed {
        Err(failure) if failure.kind() != io::ErrorKind::BrokenPipe => Exit::Failure,
        _ if is_answer => Exit::Success,
        _ => Exit::Usage,
    }
}
