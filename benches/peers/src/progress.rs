//! Where the program tells what it does: stderr. Its results are files.

use std::io::Write as _;

/// Tells what is being done, on stderr; nobody is left to tell when that fails.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
