//! The only file of this crate that writes to the terminal: results to stdout, the rest to stderr.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this file is the crate's terminal")]

/// Writes a line of the result to stdout.
pub(crate) fn result(line: &str) {
    println!("{line}");
}

/// Writes a line of progress, warning or error to stderr.
pub(crate) fn note(line: &str) {
    eprintln!("{line}");
}
