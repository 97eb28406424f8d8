//! The file that says which network is meant: chain, genesis, contracts. It is public.
//!
//! Why here: gatekeeper, wallets, miners' collectors and verifiers all have to mean the same chain, and a wrong address is
//! believed as easily as a right one; so there is one file, made by who deploys the contracts. What not: endpoints of
//! providers, which the Registrar has, and nodes, which each chooses for itself.

use std::io;
use std::path::Path;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::client::ClientOptions;
use crate::contracts::Contracts;

/// Which network is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Hash of block 0.
    pub genesis_hash: B256,
    /// Chain id and the addresses of the five contracts.
    pub contracts: Contracts,
}

/// Why a network file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkFileError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is no network file.
    #[error(
        "{path}: {source}\n\nhint: `medrec provider deploy` writes this file; ask the network's operator for it"
    )]
    Form {
        /// The file.
        path: String,
        /// Where and what.
        source: serde_json::Error,
    },
}

impl Network {
    /// Reads the file.
    ///
    /// # Errors
    /// [`NetworkFileError`] with the path and the place.
    pub fn read(path: &Path) -> Result<Self, NetworkFileError> {
        let name = || path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| NetworkFileError::Io { path: name(), source })?;
        serde_json::from_slice(&bytes).map_err(|source| NetworkFileError::Form { path: name(), source })
    }

    /// The file's text.
    ///
    /// # Errors
    /// None in practice: everything in it has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Options of a client that refuses every other chain and genesis.
    pub fn client_options(&self, nodes: impl IntoIterator<Item = impl Into<String>>) -> ClientOptions {
        let mut options = ClientOptions::new(nodes, self.contracts.chain_id);
        options.genesis_hash = Some(self.genesis_hash);
        options
    }
}
