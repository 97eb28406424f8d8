//! What is sealed in a keystore.

use std::path::Path;

use medrec_domain::identifier::Address;
use medrec_domain::{ConsentDocument, Digest};
use medrec_protocol::Hexadecimal;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::WalletError;
use crate::words::Words;

/// An account of the keystore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountEntry {
    /// Index of the key that speaks for it now.
    pub index: u32,
    /// The account: the address of its first key, which the chain knows it by for ever.
    pub account: Address,
    /// The provider that it is for; `None` for an account of one's own.
    pub provider: Option<Address>,
}

/// A consent that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredConsent {
    /// The document.
    pub document: ConsentDocument,
    /// Its salt.
    pub salt: Hexadecimal<32>,
    /// Its commitment.
    pub commitment: Digest,
}

/// All of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    pub(super) words: Zeroizing<String>,
    /// Indices below this were given out.
    pub(super) used: u32,
    pub(super) accounts: Vec<AccountEntry>,
    pub(super) consents: Vec<StoredConsent>,
}

impl Content {
    pub(super) fn new(words: &Words) -> Self {
        let words = Zeroizing::new(words.reveal().to_owned());
        Self { words, used: 0, accounts: Vec::new(), consents: Vec::new() }
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Nothing in it lacks a JSON form.
        Zeroizing::new(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(super) fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, WalletError> {
        serde_json::from_slice(bytes).map_err(|_| WalletError::Keystore {
            path: path.to_path_buf(),
            problem: "its content is of a form that this software does not read".to_owned(),
            hint: "a newer version of medrec wrote it; use that one",
        })
    }
}
