//! Encryption at rest: what a row is found by, and what it says.
//!
//! A 32-byte key lies in a file of its own that only its owner may read. Rows are found by a keyed hash of what
//! they are about and sealed with XChaCha20-Poly1305 under a random nonce, bound to their place, so that
//! no row can be read, forged or moved to another key. Contents are padded, so that the length of a row tells little.
//! What the file still shows: how many rows there are, and how large the noise in waiting is. Not noticed: an
//! older copy of the whole file put back; the totals on chain are what that is held against.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use medrec_domain::digest::keccak256_of;
use zeroize::Zeroizing;

use super::fault::LedgerFault;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// Contents are padded to multiples of this.
const PADDING: usize = 128;

/// Seals and opens rows.
pub(super) struct Seal {
    cipher: XChaCha20Poly1305,
    lookup: Zeroizing<[u8; KEY_BYTES]>,
}

impl Seal {
    /// From the key file.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerFault> {
        let fault = |problem, hint| LedgerFault::KeyFile { key: path.to_path_buf(), problem, hint };
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                fault("is missing", "restore it; without it the ledger cannot be read by anybody")
            }
            _ => fault("cannot be opened", "make it readable for this user and nobody else"),
        })?;
        let mode = file.metadata().map_err(LedgerFault::of)?.mode();
        if mode & 0o077 != 0 {
            return Err(fault("can be read by others", "chmod 600 it, and consider who may have copied it"));
        }
        let mut key = Zeroizing::new(Vec::with_capacity(KEY_BYTES + 1));
        let limit = u64::try_from(KEY_BYTES + 1).unwrap_or(u64::MAX);
        file.take(limit).read_to_end(&mut key).map_err(LedgerFault::of)?;
        if key.len() != KEY_BYTES {
            return Err(fault("does not hold 32 bytes", "name the file that was made with the ledger"));
        }
        Ok(Self::new(&key))
    }

    /// A new key file, which must not exist yet, and its seal.
    pub(super) fn create(path: &Path) -> Result<Self, LedgerFault> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(key.as_mut_slice()).map_err(|_| LedgerFault::NoRandomness)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).map_err(LedgerFault::of)?;
        file.write_all(key.as_slice()).and_then(|()| file.sync_all()).map_err(|error| {
            // A key file cut short would stand in the way of the next attempt.
            let _ = fs::remove_file(path);
            LedgerFault::of(error)
        })?;
        Ok(Self::new(key.as_slice()))
    }

    fn new(key: &[u8]) -> Self {
        let derived = |purpose: &str| {
            Zeroizing::new(keccak256_of(&[b"medrec ledger ", purpose.as_bytes(), b"\0", key]).0)
        };
        Self { cipher: XChaCha20Poly1305::new((&*derived("encryption")).into()), lookup: derived("lookup") }
    }

    /// What a row about `id` in `table` is found by.
    pub(super) fn lookup(&self, table: &str, id: &[u8]) -> [u8; 32] {
        keccak256_of(&[self.lookup.as_slice(), table.as_bytes(), b"\0", id]).0
    }

    /// Seals a content to its place.
    pub(super) fn seal(&self, table: &str, row: &[u8], content: &[u8]) -> Result<Vec<u8>, LedgerFault> {
        let length = u64::try_from(content.len()).map_err(|_| LedgerFault::conflict("a row is too long"))?;
        let mut plain = Zeroizing::new(Vec::with_capacity((8 + content.len()).next_multiple_of(PADDING)));
        plain.extend(length.to_le_bytes());
        plain.extend(content);
        plain.resize((8 + content.len()).next_multiple_of(PADDING), 0);
        let mut sealed = vec![0; NONCE_BYTES];
        getrandom::fill(&mut sealed).map_err(|_| LedgerFault::NoRandomness)?;
        let bound = place(table, row);
        let payload = Payload { msg: &plain, aad: &bound };
        let nonce = nonce(&sealed)?;
        sealed.extend(
            self.cipher.encrypt(&nonce, payload).map_err(|_| LedgerFault::conflict("a row is too long"))?,
        );
        Ok(sealed)
    }

    /// Opens what was sealed to this place, and nothing else; `None` when it was not, or not with this key.
    pub(super) fn open_row(&self, table: &str, row: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (start, rest) = sealed.split_at_checked(NONCE_BYTES)?;
        let bound = place(table, row);
        let payload = Payload { msg: rest, aad: &bound };
        let mut plain = Zeroizing::new(self.cipher.decrypt(&nonce(start).ok()?, payload).ok()?);
        let length = usize::try_from(u64::from_le_bytes(plain.first_chunk().copied()?)).ok()?;
        if length > plain.len() - 8 {
            return None;
        }
        plain.copy_within(8..8 + length, 0);
        plain.truncate(length);
        Some(plain)
    }
}

fn nonce(bytes: &[u8]) -> Result<XNonce, LedgerFault> {
    let bytes: [u8; NONCE_BYTES] =
        bytes.try_into().map_err(|_| LedgerFault::damaged("a row is cut short"))?;
    Ok(bytes.into())
}

fn place(table: &str, row: &[u8]) -> Vec<u8> {
    [table.as_bytes(), b"\0", row].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_opens_at_its_own_place_unchanged_and_nowhere_else() {
        let seal = Seal::new(&[7; 32]);
        for length in [0, 1, 119, 120, 121, 5000] {
            let content: Vec<u8> = (0..length).map(|index: u32| index.to_le_bytes()[0]).collect();
            let sealed = seal.seal("persons", b"row", &content).unwrap();
            assert_eq!(sealed.len() % PADDING, (NONCE_BYTES + 16) % PADDING);
            assert_eq!(**seal.open_row("persons", b"row", &sealed).unwrap(), *content);
            assert!(seal.open_row("persons", b"other", &sealed).is_none());
            assert!(seal.open_row("releases", b"row", &sealed).is_none());
            assert!(Seal::new(&[8; 32]).open_row("persons", b"row", &sealed).is_none());
            for byte in [0, NONCE_BYTES, sealed.len() - 1] {
                let mut changed = sealed.clone();
                changed[byte] ^= 1;
                assert!(seal.open_row("persons", b"row", &changed).is_none());
            }
            assert!(seal.open_row("persons", b"row", &sealed[..sealed.len() - 1]).is_none());
            assert_ne!(sealed, seal.seal("persons", b"row", &content).unwrap(), "a nonce came twice");
        }
        assert!(seal.open_row("persons", b"row", b"short").is_none());
        assert_ne!(seal.lookup("persons", b"1"), seal.lookup("releases", b"1"));
        assert_ne!(seal.lookup("persons", b"1"), Seal::new(&[8; 32]).lookup("persons", b"1"));
    }

    #[test]
    fn a_key_file_is_made_for_its_owner_alone_and_refused_when_others_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let row = Seal::create(&path).unwrap().lookup("persons", b"1");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(Seal::open(&path).unwrap().lookup("persons", b"1"), row);
        assert!(matches!(Seal::create(&path), Err(LedgerFault::Exists)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Seal::open(&path).err().unwrap().to_string().contains("can be read by others"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for bytes in [31, 33] {
            fs::write(&path, vec![1; bytes]).unwrap();
            assert!(Seal::open(&path).err().unwrap().to_string().contains("does not hold 32 bytes"));
        }
        let missing = Seal::open(&folder.path().join("none")).err().unwrap().to_string();
        assert!(missing.contains("is missing") && missing.contains("hint: "), "{missing}");
    }
}
