//! `medrec node export` and `medrec node import`: block files.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;

use alloy_primitives::B256;
use anyhow::{Context as _, bail};
use medrec_node::backend::{Backend, BackendOptions};
use medrec_node::blockfile;
use medrec_node::chain::{Chain, ImportOptions};
use serde::Serialize;

use super::choice::ChainChoice;
use crate::args::{ExportArguments, ImportArguments};
use crate::exit::{Interrupted, Usage};
use crate::interrupt;
use crate::shell::Shell;

/// What was done, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Summary<'f> {
    file: &'f Path,
    /// Blocks written, or read; the genesis is not counted in an import.
    blocks: u64,
    /// Of these, blocks that the chain had before an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<u64>,
    chain_id: u64,
    genesis_hash: B256,
    head_number: u64,
    head_hash: B256,
}

pub(super) fn export(arguments: &ExportArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let choice = ChainChoice::new(&arguments.chain)?;
    let datadir = choice.kept_folder()?;
    let file = &arguments.file;
    if file.exists() {
        return Err(Usage(format!("{} exists\n\nhint: name a file that does not", file.display())).into());
    }
    if !datadir.join("chain.redb").exists() {
        bail!("{} holds no chain\n\nhint: --datadir DIR names its folder", datadir.display());
    }
    let stop = interrupt::flag()?;
    let backend = open(&choice, datadir)?;
    let head = backend.chain().head().number();
    let last = arguments.to.unwrap_or(head).min(head);
    if arguments.from > last {
        bail!("there are no blocks from {} to {last}: the head is block {head}", arguments.from);
    }
    let bar = shell.bar("export", last - arguments.from + 1, "blocks");
    // The file gets its name when it is whole.
    let partial = file.with_added_extension("partial");
    let written = blockfile::export(&backend, &partial, arguments.from..=last, |step| {
        bar.set_position(step.number - arguments.from + 1);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    if written.is_err() || stop.load(Ordering::Relaxed) {
        let _ = std::fs::remove_file(&partial);
    }
    let blocks = written?;
    if stop.load(Ordering::Relaxed) {
        return Err(Interrupted(format!("stopped; {} was not written", file.display())).into());
    }
    std::fs::rename(&partial, file).with_context(|| format!("cannot name {}", file.display()))?;
    report(&backend, file, blocks, None, shell)
}

pub(super) fn import(arguments: &ImportArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let choice = ChainChoice::new(&arguments.chain)?;
    let datadir = choice.kept_folder()?;
    let file = &arguments.file;
    let bytes = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    let stop = interrupt::flag()?;
    let backend = open(&choice, datadir)?;
    choice.remember(datadir)?;
    let bar = shell.bar("import", bytes, "bytes");
    let summary = blockfile::import(&backend, file, ImportOptions::default(), |step| {
        bar.set_position(step.bytes);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    let head = backend.chain().head().number();
    let summary = summary.with_context(|| format!("import stopped; the head is block {head}"))?;
    if stop.load(Ordering::Relaxed) {
        return Err(Interrupted(format!("stopped after {} blocks, which are kept", summary.blocks)).into());
    }
    report(&backend, file, summary.blocks, Some(summary.known), shell)
}

fn open(choice: &ChainChoice, datadir: &Path) -> anyhow::Result<Backend> {
    let chain = Chain::open(datadir, choice.spec.clone())?;
    Ok(Backend::new(chain, BackendOptions::default())?)
}

fn report(
    backend: &Backend,
    file: &Path,
    blocks: u64,
    known: Option<u64>,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let chain = backend.chain();
    let head = chain.head();
    let summary = Summary {
        file,
        blocks,
        known,
        chain_id: chain.spec().chain_id,
        genesis_hash: chain.spec().genesis.hash(),
        head_number: head.number(),
        head_hash: head.hash,
    };
    if shell.wants_json() {
        return shell.json(&summary);
    }
    let known = known.map_or_else(String::new, |known| format!(" ({known} of them known before)"));
    let file = file.display();
    shell.result(&format!("{file}: {blocks} blocks{known}\nhead {} {}\n", head.number(), head.hash))
}
