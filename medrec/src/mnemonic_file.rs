//! Files with the words of a mnemonic. Words are never taken from the command line, which every process of the
//! machine can read.

use std::path::Path;

use anyhow::Context as _;

/// The words of the file at `path`, with one space between them.
pub(crate) fn words_of(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
