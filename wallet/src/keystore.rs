//! The keystore: recovery words under a password, which of their accounts is whose, and what was consented to.
//!
//! A patient makes one fresh account for each provider, so that nothing on chain links them; the map from provider to
//! account links them, so it lies inside the sealed part, as do her consent documents and their salts, without which a
//! grant on chain cannot be taken back or shown. The file is read and written by its owner alone, and is whole at any
//! time. docs/WALLET.md is its form's page.
//!
//! What not: where the password comes from; any question to a chain or gatekeeper.

mod content;
mod sealed;

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use alloy_signer_local::PrivateKeySigner;
use medrec_domain::identifier::Address;
use medrec_domain::{ConsentDocument, Digest};
use medrec_protocol::Hexadecimal;
use medrec_protocol::bridge::from_chain;
use zeroize::Zeroizing;

pub use self::content::{AccountEntry, StoredConsent};
pub use self::sealed::Stretch;

use self::content::Content;
use self::sealed::{MOST_BYTES, Seal};
use crate::disk::write_whole;
use crate::error::WalletError;
use crate::password::Password;
use crate::words::Words;

/// An open keystore.
pub struct Keystore {
    path: PathBuf,
    seal: Seal,
    checksum: Digest,
    words: Words,
    content: Content,
}

impl std::fmt::Debug for Keystore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Keystore({})", self.path.display())
    }
}

impl Keystore {
    /// Makes a keystore file, which must not exist.
    ///
    /// # Errors
    /// [`WalletError::Keystore`] when something is there or the password is empty, [`WalletError::File`].
    pub fn create(
        path: &Path,
        words: &Words,
        password: &Password,
        stretch: Stretch,
    ) -> Result<Self, WalletError> {
        let refuse = |problem: &str, hint| WalletError::Keystore {
            path: path.to_path_buf(),
            problem: problem.to_owned(),
            hint,
        };
        if password.is_empty() {
            return Err(refuse("an empty password protects nothing", "choose one that nobody guesses"));
        }
        if fs::symlink_metadata(path).is_ok() {
            return Err(refuse("something is there already", "name a file that does not exist"));
        }
        let seal = Seal::new(path, password, stretch)?;
        let content = Content::new(words);
        let (bytes, checksum) = seal.seal(path, &content.to_bytes())?;
        write_whole(path, &bytes, 0o600, false).map_err(WalletError::file(path))?;
        Ok(Self { path: path.to_path_buf(), seal, checksum, words: words.clone(), content })
    }

    /// Opens a keystore file.
    ///
    /// # Errors
    /// [`WalletError::Keystore`] with a sentence each for: others may read it, damaged, wrong password;
    /// [`WalletError::File`].
    pub fn open(path: &Path, password: &Password) -> Result<Self, WalletError> {
        let bytes = read_private(path)?;
        let (content, seal, checksum) = sealed::open(path, &bytes, password)?;
        let content = Content::from_bytes(path, &content)?;
        let words = Words::parse(&content.words)?;
        Ok(Self { path: path.to_path_buf(), seal, checksum, words, content })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The accounts that are in use, by their index.
    pub fn accounts(&self) -> &[AccountEntry] {
        &self.content.accounts
    }

    /// The account for a provider; for `None` the one that is for no single provider (a guardian's, a provider's or
    /// a researcher's own).
    pub fn account_for(&self, provider: Option<Address>) -> Option<&AccountEntry> {
        self.content.accounts.iter().find(|entry| entry.provider == provider)
    }

    /// The account for a provider, made and stored if there is none yet.
    ///
    /// # Errors
    /// As [`Keystore::save`].
    pub fn ensure_account(&mut self, provider: Option<Address>) -> Result<AccountEntry, WalletError> {
        if let Some(entry) = self.account_for(provider) {
            return Ok(*entry);
        }
        let index = self.next_index();
        let account = from_chain(self.words.signer(index)?.address());
        self.adopt(AccountEntry { index, account, provider })
    }

    /// Takes an account in that was found again, or replaces the index of its key.
    ///
    /// # Errors
    /// As [`Keystore::save`].
    pub fn adopt(&mut self, entry: AccountEntry) -> Result<AccountEntry, WalletError> {
        self.change(|content| {
            content.accounts.retain(|known| known.account != entry.account);
            content.accounts.push(entry);
            content.accounts.sort_by_key(|entry| entry.index);
            content.used = content.used.max(entry.index.saturating_add(1));
        })?;
        Ok(entry)
    }

    /// The first index that no account uses or ever used: a key serves once.
    pub fn next_index(&self) -> u32 {
        self.content.used
    }

    /// Sets an index aside for a key that is about to take over an account, before anything is sent.
    ///
    /// # Errors
    /// As [`Keystore::save`].
    pub fn reserve_index(&mut self) -> Result<u32, WalletError> {
        let index = self.next_index();
        self.change(|content| content.used = index.saturating_add(1))?;
        Ok(index)
    }

    /// The newest index, if it was set aside and no account took it over: an earlier change of key was cut off.
    pub fn set_aside(&self) -> Option<u32> {
        let newest = self.content.used.checked_sub(1)?;
        self.content.accounts.iter().all(|entry| entry.index != newest).then_some(newest)
    }

    /// The key of an account.
    ///
    /// # Errors
    /// [`WalletError::Words`] for an index of 2^31 or more.
    pub fn signer(&self, index: u32) -> Result<PrivateKeySigner, WalletError> {
        self.words.signer(index)
    }

    /// Consents that were signed, oldest first.
    pub fn consents(&self) -> &[StoredConsent] {
        &self.content.consents
    }

    /// Remembers a consent document and its salt: before anything of it is sent.
    ///
    /// # Errors
    /// As [`Keystore::save`]; a document without canonical form.
    pub fn remember_consent(
        &mut self,
        document: &ConsentDocument,
        salt: Hexadecimal<32>,
    ) -> Result<Digest, WalletError> {
        let commitment = document.commitment(&salt.0)?;
        let stored = StoredConsent { document: document.clone(), salt, commitment };
        self.change(|content| {
            content.consents.retain(|known| known.commitment != commitment);
            content.consents.push(stored);
        })?;
        Ok(commitment)
    }

    /// Forgets a consent document.
    ///
    /// # Errors
    /// As [`Keystore::save`].
    pub fn forget_consent(&mut self, commitment: Digest) -> Result<(), WalletError> {
        self.change(|content| content.consents.retain(|known| known.commitment != commitment))
    }

    /// Seals it under another password, with fresh salt.
    ///
    /// # Errors
    /// As [`Keystore::save`].
    pub fn change_password(&mut self, password: &Password, stretch: Stretch) -> Result<(), WalletError> {
        let fresh = Seal::new(&self.path, password, stretch)?;
        let before = std::mem::replace(&mut self.seal, fresh);
        self.save().inspect_err(|_| self.seal = before)
    }

    fn change(&mut self, change: impl FnOnce(&mut Content)) -> Result<(), WalletError> {
        let before = self.content.clone();
        change(&mut self.content);
        self.save().inspect_err(|_| self.content = before)
    }

    /// Writes the file anew, at once and durably.
    ///
    /// # Errors
    /// [`WalletError::Keystore`] when another program changed it since it was opened, [`WalletError::File`].
    pub fn save(&mut self) -> Result<(), WalletError> {
        let standing = sealed::checksum_of(&self.path, &read_private(&self.path)?)?;
        if standing != self.checksum {
            return Err(WalletError::Keystore {
                path: self.path.clone(),
                problem: "another program changed it meanwhile".to_owned(),
                hint: "nothing was written; run the command again",
            });
        }
        let (bytes, checksum) = self.seal.seal(&self.path, &self.content.to_bytes())?;
        write_whole(&self.path, &bytes, 0o600, true).map_err(WalletError::file(&self.path))?;
        self.checksum = checksum;
        Ok(())
    }
}

/// Reads a file that only its owner may read.
fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, WalletError> {
    let file = File::open(path).map_err(WalletError::file(path))?;
    let mode = file.metadata().map_err(WalletError::file(path))?.mode();
    if mode & 0o077 != 0 {
        return Err(WalletError::Keystore {
            path: path.to_path_buf(),
            problem: format!("others may read or change it (mode {:03o})", mode & 0o777),
            hint: "chmod 600 it, and consider who may have copied it",
        });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(WalletError::file(path))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
