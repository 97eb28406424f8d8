//! Which chain, and where: arguments checked against what the folder holds already.
//!
//! A folder remembers its chain as a genesis file, since block 0 alone does not say everything (the chain
//! id is not in it). So the second start needs no `--genesis`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use anyhow::{Context as _, bail};
use medrec_node::spec::genesis::mnemonic_addresses;
use medrec_node::spec::{DEV_ACCOUNTS, DEV_DIFFICULTY, DEV_MNEMONIC};
use medrec_node::{ChainSpec, GenesisDialect};
use tempfile::NamedTempFile;

use crate::args::{ChainArguments, DEFAULT_CHAIN_ID};
use crate::exit::Usage;
use crate::mnemonic_file::words_of;

/// Where a chain lies.
pub(super) enum Folder {
    /// In a folder that stays.
    Kept(PathBuf),
    /// In one that is deleted at the end.
    Temporary,
}

/// A chain, and where it lies.
pub(super) struct ChainChoice {
    pub(super) spec: ChainSpec,
    pub(super) folder: Folder,
    /// Funded accounts of a development chain.
    pub(super) accounts: Vec<Address>,
    /// Their mnemonic, when it is the public one.
    pub(super) mnemonic: Option<&'static str>,
}

impl ChainChoice {
    pub(super) fn new(arguments: &ChainArguments) -> anyhow::Result<Self> {
        if arguments.dev {
            return Self::development(arguments);
        }
        let datadir = arguments.datadir.clone().map_or_else(default_datadir, Ok)?;
        let stored = stored_spec(&datadir)?;
        let spec = match (&arguments.genesis, stored) {
            (Some(file), stored) => {
                let spec = ChainSpec::from_genesis_file(file)?;
                check_same(&datadir, &spec, stored.as_ref())?;
                spec
            }
            (None, Some(stored)) => {
                if let Some(id) = arguments.chain_id.filter(|id| *id != stored.chain_id) {
                    bail!(other_chain(&datadir, &stored, id));
                }
                stored
            }
            (None, None) => ChainSpec::ethash(arguments.chain_id.unwrap_or(DEFAULT_CHAIN_ID)),
        };
        Ok(Self { spec, folder: Folder::Kept(datadir), accounts: Vec::new(), mnemonic: None })
    }

    fn development(arguments: &ChainArguments) -> anyhow::Result<Self> {
        let own = arguments.mnemonic_file.as_deref().map(words_of).transpose()?;
        let words = own.as_deref().unwrap_or(DEV_MNEMONIC);
        let count = arguments.accounts.unwrap_or(DEV_ACCOUNTS);
        let accounts = mnemonic_addresses(words, count)?;
        let spec = ChainSpec::dev_for(&accounts, arguments.difficulty.unwrap_or(DEV_DIFFICULTY));
        if let Some(datadir) = &arguments.datadir {
            check_same(datadir, &spec, stored_spec(datadir)?.as_ref())?;
        }
        Ok(Self {
            spec,
            folder: arguments.datadir.clone().map_or(Folder::Temporary, Folder::Kept),
            accounts,
            mnemonic: own.is_none().then_some(DEV_MNEMONIC),
        })
    }

    /// The folder of a chain that is there to stay.
    pub(super) fn kept_folder(&self) -> Result<&Path, Usage> {
        match &self.folder {
            Folder::Kept(path) => Ok(path),
            Folder::Temporary => {
                Err(Usage("--dev keeps no chain\n\nhint: --datadir DIR names one that does".to_owned()))
            }
        }
    }

    /// Writes the chain's genesis file into its folder, unless it is there.
    pub(super) fn remember(&self, datadir: &Path) -> anyhow::Result<()> {
        let path = genesis_path(datadir);
        if path.exists() {
            return Ok(());
        }
        let text = self.spec.genesis_json(GenesisDialect::Embedded)?;
        let write = || -> std::io::Result<()> {
            let mut file = NamedTempFile::new_in(datadir)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

fn genesis_path(datadir: &Path) -> PathBuf {
    datadir.join("genesis.json")
}

fn stored_spec(datadir: &Path) -> anyhow::Result<Option<ChainSpec>> {
    let path = genesis_path(datadir);
    if path.exists() { Ok(Some(ChainSpec::from_genesis_file(&path)?)) } else { Ok(None) }
}

/// Refuses another chain with the same block 0. One with another block 0 is refused when it is opened.
fn check_same(datadir: &Path, wanted: &ChainSpec, stored: Option<&ChainSpec>) -> anyhow::Result<()> {
    match stored {
        Some(stored) if stored != wanted && stored.genesis.hash() == wanted.genesis.hash() => {
            bail!(other_chain(datadir, stored, wanted.chain_id))
        }
        _ => Ok(()),
    }
}

fn other_chain(datadir: &Path, stored: &ChainSpec, wanted_id: u64) -> String {
    format!(
        "{} holds the chain with id {} ({:?}), not the one with id {wanted_id}\n\nhint: choose another --datadir",
        datadir.display(),
        stored.chain_id,
        stored.difficulty
    )
}

/// `medrec/node` in the folder where the platform keeps a user's data.
fn default_datadir() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = |below: &str| variable("HOME").map(|home| home.join(below));
    let data = if cfg!(target_os = "macos") {
        home("Library/Application Support")
    } else if cfg!(target_os = "windows") {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_DATA_HOME").or_else(|| home(".local/share"))
    };
    let data = data.ok_or_else(|| Usage("no folder for the chain\n\nhint: --datadir DIR".to_owned()))?;
    Ok(data.join("medrec/node"))
}
