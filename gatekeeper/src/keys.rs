//! The secrets that a gatekeeper makes for itself: keys of pseudonyms and of the choice of rows.
//!
//! Each is a file of 16 random bytes that its owner alone can read. They are made once, together with the store: a key that is
//! missing later is an error, never a new key.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::GatekeeperError;

/// The key in a file; made if `is_new`.
pub(crate) fn key(path: &Path, is_new: bool) -> Result<[u8; 16], GatekeeperError> {
    let refuse = |why| GatekeeperError::Key { path: path.to_owned(), why };
    match fs::read(path).map(Zeroizing::new) {
        Ok(bytes) => bytes.as_slice().try_into().map_err(|_| refuse("it does not have 16 bytes")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_new => make(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(refuse("it is missing")),
        Err(error) => Err(GatekeeperError::io(path)(error)),
    }
}

fn make(path: &Path) -> Result<[u8; 16], GatekeeperError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| GatekeeperError::System { what: "randomness" })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        // Files of this kind are their owner's alone.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(GatekeeperError::io(path))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_is_its_owners_alone_and_is_never_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pseudonym.key");
        assert!(matches!(key(&path, false), Err(GatekeeperError::Key { .. })));
        let made = key(&path, true).unwrap();
        assert_eq!(key(&path, false).unwrap(), made);
        assert_eq!(key(&path, true).unwrap(), made);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, [1; 15]).unwrap();
        assert!(matches!(key(&path, true), Err(GatekeeperError::Key { .. })));
    }
}
