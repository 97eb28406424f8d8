//! Database files that are born whole.
//!
//! redb writes a new file's first page last: a process that is killed before that leaves a file that no version of redb opens again, and a
//! service that never starts again. Here a file is made under another name and linked when it is a database. Why a room of its
//! own: the node, outboxes, the gatekeeper and collectors all keep such files, and the mistake is made once in each.
//!
//! What it does not know: what is in the files.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use redb::{Builder, Database, DatabaseError, StorageError};

/// Opens the database at `path`, or makes it, for its owner's eyes alone (mode 600): whole or not at all, whatever is killed.
///
/// # Errors
/// [`DatabaseError::DatabaseAlreadyOpen`] while another process has it open; those of the disk.
pub fn open(path: &Path, builder: &Builder) -> Result<Database, DatabaseError> {
    let failed = |error: Error| DatabaseError::Storage(StorageError::Io(error));
    let draft = draft_of(path);
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(failed(error));
    }
    if !path.try_exists().map_err(failed)? {
        let mut private = OpenOptions::new();
        private.read(true).write(true).create_new(true).mode(0o600);
        drop(builder.create_file(private.open(&draft).map_err(failed)?)?);
        match fs::hard_link(&draft, path) {
            // Another process was quicker; whoever opens the file first has it.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        fs::remove_file(&draft).map_err(failed)?;
        sync_folder_of(path).map_err(failed)?;
    }
    builder.open(path)
}

/// The name under which a file is made.
fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(".draft");
    path.with_file_name(name)
}

/// Makes a new name durable.
fn sync_folder_of(path: &Path) -> Result<(), Error> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use redb::TableDefinition;

    use super::*;

    const TABLE: TableDefinition<'_, u64, u64> = TableDefinition::new("numbers");

    fn put(database: &Database, number: u64) {
        let write = database.begin_write().unwrap();
        write.open_table(TABLE).unwrap().insert(number, number).unwrap();
        write.commit().unwrap();
    }

    #[test]
    fn a_database_is_made_for_its_owner_alone_and_opened_again_with_what_was_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.redb");
        put(&open(&path, &Builder::new()).unwrap(), 7);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = open(&path, &Builder::new()).unwrap();
        let read = redb::ReadableDatabase::begin_read(&again).unwrap();
        assert_eq!(read.open_table(TABLE).unwrap().get(7).unwrap().unwrap().value(), 7);
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["numbers.redb"]);
    }

    #[test]
    fn what_a_process_left_that_was_killed_while_it_made_the_file_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.redb");
        // As redb leaves it before its first page is written; under the real name this can never be opened again.
        fs::write(draft_of(&path), [0; 4_096]).unwrap();
        put(&open(&path, &Builder::new()).unwrap(), 1);
        // Killed between the link and the end of the draft's name.
        fs::hard_link(&path, draft_of(&path)).unwrap();
        put(&open(&path, &Builder::new()).unwrap(), 2);
        assert!(!draft_of(&path).exists());
    }

    #[test]
    fn a_file_that_is_open_elsewhere_is_told_from_one_that_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.redb");
        let first = open(&path, &Builder::new()).unwrap();
        assert!(matches!(open(&path, &Builder::new()), Err(DatabaseError::DatabaseAlreadyOpen)));
        drop(first);
        fs::write(&path, b"something else").unwrap();
        assert!(matches!(open(&path, &Builder::new()), Err(DatabaseError::Storage(_))));
    }
}
