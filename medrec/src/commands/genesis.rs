//! `medrec genesis`: the genesis file of a network, in the dialect of one client.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use alloy_primitives::B256;
use anyhow::Context as _;
use clap::ValueEnum as _;
use medrec_node::ChainSpec;
use medrec_node::spec::GenesisAccount;
use medrec_node::spec::genesis::mnemonic_addresses;
use medrec_node::spec::genesis_file::read_alloc;
use serde::Serialize;

use crate::args::GenesisArguments;
use crate::exit::Usage;
use crate::mnemonic_file::words_of;
use crate::shell::Shell;

/// What each account of a mnemonic owns at the start.
const ETHER_PER_ACCOUNT: u64 = 1_000_000;

/// What was made, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Made<'a> {
    client: String,
    chain_id: u64,
    genesis_hash: B256,
    accounts: usize,
    /// Where it was written; `genesis` holds it in any case.
    out: Option<&'a Path>,
    genesis: serde_json::Value,
}

pub(super) fn run(arguments: &GenesisArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let mut spec = ChainSpec::ethash(arguments.chain_id);
    if let Some(path) = &arguments.alloc {
        spec.genesis.alloc = read_alloc(path)?;
    }
    if let Some(path) = &arguments.mnemonic_file {
        for address in mnemonic_addresses(&words_of(path)?, arguments.accounts)? {
            spec.genesis.alloc.insert(address, GenesisAccount::with_ether(ETHER_PER_ACCOUNT));
        }
    }
    let text = spec.genesis_json(arguments.client.dialect())? + "\n";
    if let Some(path) = &arguments.out {
        write_new(path, &text)?;
    }
    let genesis_hash = spec.genesis.hash();
    if shell.wants_json() {
        let client = arguments.client.to_possible_value();
        return shell.json(&Made {
            client: client.map(|value| value.get_name().to_owned()).unwrap_or_default(),
            chain_id: spec.chain_id,
            genesis_hash,
            accounts: spec.genesis.alloc.len(),
            out: arguments.out.as_deref(),
            genesis: serde_json::from_str(&text)?,
        });
    }
    if arguments.out.is_some() {
        return shell.result(&format!("genesis hash {genesis_hash}\n"));
    }
    shell.result(&text)?;
    shell.status(&format!("genesis hash {genesis_hash}"));
    Ok(())
}

/// Writes a file that must not exist: a network is bound to its genesis file for ever.
fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = format!("{} exists\n\nhint: name a file that does not", path.display());
            return Err(Usage(text).into());
        }
        other => other.with_context(|| format!("cannot write {}", path.display()))?,
    };
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}
