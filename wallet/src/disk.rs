//! Files that are whole or not there.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf()
}

/// Writes a file beside its place, makes it durable, and moves it there at once.
///
/// # Errors
/// What the system says; with `replace` unset, [`io::ErrorKind::AlreadyExists`] when something is there.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32, replace: bool) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(&folder)?;
    // The temporary file is the owner's alone from the start.
    let mut file = tempfile::Builder::new().prefix(".medrec-").tempfile_in(&folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    if replace {
        file.persist(path).map_err(|error| error.error)?;
    } else {
        file.persist_noclobber(path).map_err(|error| error.error)?;
    }
    File::open(&folder)?.sync_all()
}
