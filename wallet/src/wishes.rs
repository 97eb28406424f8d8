//! What a provider asked of its gatekeeper and was not answered yet.
//!
//! Each wish is a file in a folder beside the keystore, there before the question leaves and gone after its answer was told. A
//! command that was killed, or lost its connection, finds the file when it is run again with the same arguments, and asks
//! with the same idempotency key: it gets the first answer, and nothing happens twice.
//!
//! What not: the question itself; which arguments are the same is the caller's to say.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use medrec_domain::canonical;
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::Address;
use medrec_protocol::{Hexadecimal, Method, ProtocolError};
use serde::{Deserialize, Serialize};

use crate::disk::{folder_of, write_whole};
use crate::error::WalletError;

/// A fresh idempotency key: 32 bytes of the operating system.
///
/// # Errors
/// [`WalletError::NoRandomness`].
pub fn fresh_key() -> Result<Hexadecimal<32>, WalletError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| WalletError::NoRandomness)?;
    Ok(Hexadecimal(bytes))
}

/// The folder of wishes beside a keystore.
#[derive(Debug, Clone)]
pub struct Wishes {
    folder: PathBuf,
}

/// A wish that is under way.
#[derive(Debug)]
pub struct Wish {
    /// Its idempotency key.
    pub idempotency_key: Hexadecimal<32>,
    /// The second at which it was first asked, where that was an earlier command, which got no answer or did not tell it.
    pub earlier_s: Option<u64>,
    path: PathBuf,
}

/// What a file of a wish holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    method: String,
    idempotency_key: Hexadecimal<32>,
    time_s: u64,
}

impl Wishes {
    /// The wishes of a keystore's owner. Nothing is read or made.
    pub fn beside(keystore: &Path) -> Self {
        let mut name = keystore.file_name().unwrap_or_default().to_owned();
        name.push(".wishes");
        Self { folder: folder_of(keystore).join(name) }
    }

    /// The wish of these arguments at a provider's gatekeeper: the one that was not answered, or a new one, on the disk when this returns.
    ///
    /// # Errors
    /// [`WalletError::File`], [`WalletError::Form`] for a file that is no wish, [`WalletError::NoRandomness`].
    pub fn begin<M: Method>(
        &self,
        provider: Address,
        arguments: &impl Serialize,
    ) -> Result<Wish, WalletError> {
        let digest =
            canonical::digest(arguments).map_err(|source| ProtocolError::Body { method: M::NAME, source })?;
        let name = keccak256_of(&[M::NAME.as_bytes(), &provider.0, &digest.0]);
        let path = self.folder.join(format!("{name}.json"));
        if let Some(noted) = read(&path)? {
            return Ok(Wish { idempotency_key: noted.idempotency_key, earlier_s: Some(noted.time_s), path });
        }
        let time_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let noted = Noted { method: M::NAME.to_owned(), idempotency_key: fresh_key()?, time_s };
        let bytes = serde_json::to_vec(&noted).map_err(|error| form(&path, &error))?;
        match write_whole(&path, &bytes, 0o600, false) {
            Ok(()) => Ok(Wish { idempotency_key: noted.idempotency_key, earlier_s: None, path }),
            // The same command at the same time was faster: both are one wish.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.begin::<M>(provider, arguments)
            }
            Err(error) => Err(WalletError::file(&path)(error)),
        }
    }
}

impl Wish {
    /// The answer was told: the next wish with these arguments is another one.
    ///
    /// # Errors
    /// [`WalletError::File`].
    pub fn answered(self) -> Result<(), WalletError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(WalletError::file(&self.path)(error))
            }
            _ => Ok(()),
        }
    }
}

fn read(path: &Path) -> Result<Option<Noted>, WalletError> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| form(path, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(WalletError::file(path)(error)),
    }
}

fn form(path: &Path, error: &serde_json::Error) -> WalletError {
    WalletError::Form { path: path.to_path_buf(), problem: format!("it is no unanswered wish: {error}") }
}

#[cfg(test)]
mod tests {
    use medrec_protocol::methods::provider::{PostUpdate, Propose};

    use super::*;

    const PROVIDER: Address = Address([9; 20]);

    #[test]
    fn a_wish_keeps_its_key_until_it_is_answered_and_other_arguments_are_another_wish() {
        let folder = tempfile::tempdir().unwrap();
        let wishes = Wishes::beside(&folder.path().join("hospital.json"));
        let begin = |arguments: &str| wishes.begin::<PostUpdate>(PROVIDER, &arguments).unwrap();
        let first = begin("a");
        assert_eq!(first.earlier_s, None);
        let again = begin("a");
        assert!(again.earlier_s.is_some());
        assert_eq!(again.idempotency_key, first.idempotency_key);
        let others = [
            begin("b").idempotency_key,
            wishes.begin::<Propose>(PROVIDER, &"a").unwrap().idempotency_key,
            wishes.begin::<PostUpdate>(Address([8; 20]), &"a").unwrap().idempotency_key,
        ];
        assert!(!others.contains(&first.idempotency_key));
        again.answered().unwrap();
        // Two commands of one wish that are both answered.
        let key = first.idempotency_key;
        first.answered().unwrap();
        assert_ne!(begin("a").idempotency_key, key);
    }

    #[test]
    fn a_broken_file_is_an_error_and_never_another_wish() {
        let folder = tempfile::tempdir().unwrap();
        let keystore = folder.path().join("hospital.json");
        let wish = Wishes::beside(&keystore).begin::<Propose>(PROVIDER, &"a").unwrap();
        fs::write(&wish.path, b"{}").unwrap();
        let error = Wishes::beside(&keystore).begin::<Propose>(PROVIDER, &"a").unwrap_err().to_string();
        assert!(error.contains("hospital.json.wishes") && error.contains("no unanswered wish"), "{error}");
    }
}
