//! `cargo xtask tidy`: the house rules that neither rustc nor clippy checks, held by code.
//!
//! Each rule is a function from text to findings, in a file below `tidy/`, beside a test that breaks
//! it. This file only feeds them the workspace. Why each rule is there: docs/ARCHITECTURE.md.

mod finding;
mod imports;
mod manifests;
mod modules;
mod pages;
mod rooms;
mod text;
mod tokens;

use std::collections::BTreeMap;

use anyhow::Result;

use crate::shell;
use crate::tally::Tally;
use crate::workspace::{Workspace, is_kind};
use finding::Finding;

/// Runs every rule as one step: a tally of files checked and findings made.
pub(crate) fn check(workspace: &Workspace) -> Result<Tally> {
    let (files, findings) = inspect(workspace)?;
    for finding in &findings {
        shell::note(&finding.to_string());
    }
    shell::note(&format!("{files} files read, {} findings", findings.len()));
    Ok(Tally { passed: u64::from(findings.is_empty()), failed: findings.len() as u64, skipped: 0 })
}

/// Runs every rule as a chore of its own: the findings are its result.
pub(crate) fn report(workspace: &Workspace) -> Result<bool> {
    let (files, findings) = inspect(workspace)?;
    for finding in &findings {
        shell::result(&finding.to_string());
    }
    shell::note(&format!("{files} files read, {} findings", findings.len()));
    Ok(findings.is_empty())
}

/// Every text file of the workspace by its path, and what the rules say.
fn inspect(workspace: &Workspace) -> Result<(usize, Vec<Finding>)> {
    let files = workspace.files()?;
    let mut texts = BTreeMap::new();
    let mut findings = Vec::new();
    for file in &files {
        let bytes = workspace.root.join(file).metadata()?.len();
        findings.extend(text::check_size(file, bytes));
        if let Some(text) = workspace.text(file)? {
            texts.insert(file.as_str(), text);
        }
    }
    for (file, text) in &texts {
        findings.extend(text::check(file, text));
        if is_kind(file, "rs") {
            findings.extend(tokens::check(file, text));
        }
    }
    let members = workspace.members()?;
    findings.extend(manifests::check(&members));
    findings.extend(imports::check(&members, &texts));
    findings.extend(pages::check(&files, &texts, &manifests::outside(&members, &texts)));
    findings.sort();
    findings.dedup();
    Ok((files.len(), findings))
}
