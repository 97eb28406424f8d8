//! A bundle as a folder on disk: written whole or not at all, read without following anything.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::files::{Collector, Files, Limits};
use crate::error::AnonymizerError;

/// Folders below the bundle's own that are looked into; the format has one.
const DEEPEST: usize = 4;

/// Folder that holds `path`.
pub(super) fn parent_of(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf()
}

/// Whether something stands at `path` that would be lost: anything but an empty folder.
fn is_taken(path: &Path) -> Result<bool, AnonymizerError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(AnonymizerError::io(path)(error)),
        Ok(about) if about.is_dir() => {
            Ok(fs::read_dir(path).map_err(AnonymizerError::io(path))?.next().is_some())
        }
        Ok(_) => Ok(true),
    }
}

/// Writes the files into a new folder. They are written beside it, made durable and moved into place at once.
///
/// # Errors
/// [`AnonymizerError::Exists`] when something is there and `replace` is not set;
/// [`AnonymizerError::Io`] with the path at fault. Nothing half-written stays.
pub(super) fn write(target: &Path, files: &Files, replace: bool) -> Result<(), AnonymizerError> {
    if is_taken(target)? && !replace {
        return Err(AnonymizerError::Exists { path: target.to_path_buf() });
    }
    let parent = parent_of(target);
    fs::create_dir_all(&parent).map_err(AnonymizerError::io(&parent))?;
    // Dropped on every early return, which removes what was written so far.
    let staging = tempfile::Builder::new()
        .prefix(".medrec-bundle-")
        .tempdir_in(&parent)
        .map_err(AnonymizerError::io(&parent))?;
    for (path, bytes) in files {
        write_file(staging.path(), path, bytes).map_err(AnonymizerError::io(target.join(path)))?;
    }
    let readable = Permissions::from_mode(0o755);
    fs::set_permissions(staging.path(), readable).map_err(AnonymizerError::io(target))?;
    sync_folder(staging.path()).map_err(AnonymizerError::io(target))?;
    move_into_place(staging, target, &parent)?;
    sync_folder(&parent).map_err(AnonymizerError::io(&parent))
}

fn write_file(root: &Path, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    let path = root.join(path);
    let folder = parent_of(&path);
    fs::create_dir_all(&folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_folder(&folder)
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Renames the finished folder to its name. What stood there is set aside first and put back on failure.
fn move_into_place(staging: tempfile::TempDir, target: &Path, parent: &Path) -> Result<(), AnonymizerError> {
    let failed = AnonymizerError::io(target);
    if fs::symlink_metadata(target).is_err() {
        fs::rename(staging.path(), target).map_err(failed)?;
    } else {
        let aside = tempfile::Builder::new()
            .prefix(".medrec-replaced-")
            .tempdir_in(parent)
            .map_err(AnonymizerError::io(parent))?;
        let old = aside.path().join("old");
        fs::rename(target, &old).map_err(AnonymizerError::io(target))?;
        if let Err(error) = fs::rename(staging.path(), target) {
            fs::rename(&old, target).map_err(AnonymizerError::io(target))?;
            return Err(failed(error));
        }
    }
    // The folder has its name now; there is nothing left to remove.
    let _moved = staging.keep();
    Ok(())
}

/// Reads all files of a folder. Links and other special files are refused.
///
/// # Errors
/// [`AnonymizerError::Io`], [`AnonymizerError::Bundle`].
pub(super) fn read(root: &Path, limits: Limits) -> Result<Files, AnonymizerError> {
    let mut collector = Collector::new(limits);
    read_below(root, "", 0, &mut collector)?;
    Ok(collector.into_files())
}

fn read_below(
    root: &Path,
    below: &str,
    depth: usize,
    collector: &mut Collector,
) -> Result<(), AnonymizerError> {
    let folder = root.join(below);
    let mut entries: Vec<_> =
        fs::read_dir(&folder).and_then(Iterator::collect).map_err(AnonymizerError::io(&folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let place = entry.path();
        let kind = entry.file_type().map_err(AnonymizerError::io(&place))?;
        if kind.is_dir() && depth < DEEPEST {
            read_below(root, &path, depth + 1, collector)?;
        } else if kind.is_file() {
            let bytes = read_file(&place, collector.left()).map_err(AnonymizerError::io(&place))?;
            collector.add(&path, bytes)?;
        } else {
            return Err(AnonymizerError::bundle(path, "is neither a file nor a folder of a bundle"));
        }
    }
    Ok(())
}

/// At most one byte more than `most`, so that the caller notices.
fn read_file(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
