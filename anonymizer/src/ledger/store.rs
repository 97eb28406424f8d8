//! The file: opened once, checked whole, written in transactions that a kill cannot tear.
//!
//! Rows of four tables in a redb database, all sealed except the version. A commit is on the disk, in two phases,
//! before it is answered. This file knows nothing of budgets.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use redb::{
    Database, ReadTransaction, ReadableDatabase as _, ReadableTable, TableDefinition, TableHandle as _,
    WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::LedgerFault;
use super::rows::{decode, encode};
use super::seal::Seal;

/// Version of the file's form; older ones are read, newer ones refused.
const VERSION: u32 = 1;

/// A table.
pub(super) type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;
/// One row: the totals.
pub(super) const TOTALS: Table = TableDefinition::new("totals");
/// A row a person who has a cap or a charge of her own.
pub(super) const PERSONS: Table = TableDefinition::new("persons");
/// A row a release.
pub(super) const RELEASES: Table = TableDefinition::new("releases");
/// Noise of releases that are not committed yet.
pub(super) const NOISE: Table = TableDefinition::new("noise");
/// In the clear: the version, and whether damage was found.
const META: Table = TableDefinition::new("meta");
const VERSION_ROW: &[u8] = b"version";
const DAMAGE_ROW: &[u8] = b"damaged";

/// An open ledger file.
pub(super) struct Store {
    database: Database,
    seal: Seal,
}

impl Store {
    /// Writes a new file whose tables `first` gives their rows. Nothing of that name may exist. An existing key
    /// file is used, a missing one made.
    pub(super) fn create(
        path: &Path,
        key: &Path,
        first: impl FnOnce(&Write<'_>) -> Result<(), LedgerFault>,
    ) -> Result<(), LedgerFault> {
        if path.try_exists().map_err(LedgerFault::of)? {
            return Err(LedgerFault::Exists);
        }
        let seal =
            if key.try_exists().map_err(LedgerFault::of)? { Seal::open(key)? } else { Seal::create(key)? };
        sync_folder(key)?;
        // Made under another name and linked when whole: a kill leaves no half of a ledger under this one.
        let draft = draft_of(path);
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(LedgerFault::of(error)),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = options.open(&draft).map_err(LedgerFault::of)?;
        let store = Self { database: redb::Builder::new().create_file(file)?, seal };
        let write = store.write()?;
        write.transaction.open_table(META)?.insert(VERSION_ROW, VERSION.to_le_bytes().as_slice())?;
        for table in [TOTALS, PERSONS, RELEASES, NOISE] {
            write.transaction.open_table(table)?;
        }
        first(&write)?;
        write.commit()?;
        drop(store);
        fs::hard_link(&draft, path).map_err(LedgerFault::of)?;
        fs::remove_file(&draft).map_err(LedgerFault::of)?;
        sync_folder(path)
    }

    /// Opens an existing file and checks every page of it.
    pub(super) fn open(path: &Path, key: &Path) -> Result<Self, LedgerFault> {
        if !path.try_exists().map_err(LedgerFault::of)? {
            return Err(LedgerFault::Missing);
        }
        let seal = Seal::open(key)?;
        Self::from_database(redb::Builder::new().open(path)?, seal)
    }

    /// Over a database that is open already.
    pub(super) fn from_database(mut database: Database, seal: Seal) -> Result<Self, LedgerFault> {
        let found = version(&database)?;
        if found > VERSION {
            return Err(LedgerFault::Version { found, supported: VERSION });
        }
        if !database.check_integrity()? {
            // The database mends itself by going back to an older state, which forgets what was spent since: once
            // seen, that state is never trusted again.
            let transaction = database.begin_write()?;
            transaction.open_table(META)?.insert(DAMAGE_ROW, [].as_slice())?;
            transaction.commit()?;
        }
        let meta = database.begin_read()?.open_table(META)?;
        if meta.get(DAMAGE_ROW)?.is_some() {
            return Err(LedgerFault::damaged("pages of it were changed from outside"));
        }
        Ok(Self { database, seal })
    }

    pub(super) fn read(&self) -> Result<Read<'_>, LedgerFault> {
        Ok(Read { seal: &self.seal, transaction: self.database.begin_read()? })
    }

    pub(super) fn write(&self) -> Result<Write<'_>, LedgerFault> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        Ok(Write { seal: &self.seal, transaction })
    }
}

/// The version, which stands in the clear so that a newer form can be told from a wrong key.
fn version(database: &Database) -> Result<u32, LedgerFault> {
    let none = || LedgerFault::damaged("it is no ledger");
    let meta = database.begin_read()?.open_table(META).map_err(|_| none())?;
    let row = meta.get(VERSION_ROW)?.ok_or_else(none)?;
    Ok(u32::from_le_bytes(row.value().try_into().map_err(|_| none())?))
}

/// Reading rows, in one state of the file.
pub(super) trait Rows {
    #[doc(hidden)]
    fn sealed(&self, table: Table, row: &[u8]) -> Result<Option<Vec<u8>>, LedgerFault>;
    #[doc(hidden)]
    fn all_sealed(&self, table: Table) -> Result<Vec<SealedRow>, LedgerFault>;
    #[doc(hidden)]
    fn seal(&self) -> &Seal;

    /// The content of the row about `id`; `None` when there is none.
    fn bytes(&self, table: Table, id: &[u8]) -> Result<Option<Vec<u8>>, LedgerFault> {
        let row = self.seal().lookup(table.name(), id);
        let Some(sealed) = self.sealed(table, &row)? else { return Ok(None) };
        let content = self.seal().open_row(table.name(), &row, &sealed);
        Ok(Some(content.ok_or_else(|| LedgerFault::damaged("a row does not open"))?.to_vec()))
    }

    /// The row about `id`.
    fn row<T: DeserializeOwned>(&self, table: Table, id: &[u8]) -> Result<Option<T>, LedgerFault> {
        self.bytes(table, id)?.map(|bytes| decode(&bytes)).transpose()
    }

    /// Every row, in no order that means anything.
    fn rows<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, LedgerFault> {
        let open = |(row, sealed): (Vec<u8>, Vec<u8>)| {
            let content = self.seal().open_row(table.name(), &row, &sealed);
            decode(&content.ok_or_else(|| LedgerFault::damaged("a row does not open"))?)
        };
        self.all_sealed(table)?.into_iter().map(open).collect()
    }
}

/// A row's place and its sealed content.
type SealedRow = (Vec<u8>, Vec<u8>);

/// A state of the file.
pub(super) struct Read<'a> {
    seal: &'a Seal,
    transaction: ReadTransaction,
}

/// A change of the file: all of it or, dropped without commit, nothing.
pub(super) struct Write<'a> {
    seal: &'a Seal,
    transaction: WriteTransaction,
}

impl Rows for Read<'_> {
    fn sealed(&self, table: Table, row: &[u8]) -> Result<Option<Vec<u8>>, LedgerFault> {
        one(&self.transaction.open_table(table)?, row)
    }

    fn all_sealed(&self, table: Table) -> Result<Vec<SealedRow>, LedgerFault> {
        all(&self.transaction.open_table(table)?)
    }

    fn seal(&self) -> &Seal {
        self.seal
    }
}

impl Rows for Write<'_> {
    fn sealed(&self, table: Table, row: &[u8]) -> Result<Option<Vec<u8>>, LedgerFault> {
        one(&self.transaction.open_table(table)?, row)
    }

    fn all_sealed(&self, table: Table) -> Result<Vec<SealedRow>, LedgerFault> {
        all(&self.transaction.open_table(table)?)
    }

    fn seal(&self) -> &Seal {
        self.seal
    }
}

impl Write<'_> {
    /// Writes the row about `id`.
    pub(super) fn put<T: Serialize>(&self, table: Table, id: &[u8], row: &T) -> Result<(), LedgerFault> {
        self.put_bytes(table, id, &encode(row)?)
    }

    /// Writes the content of the row about `id`.
    pub(super) fn put_bytes(&self, table: Table, id: &[u8], content: &[u8]) -> Result<(), LedgerFault> {
        let row = self.seal.lookup(table.name(), id);
        let sealed = self.seal.seal(table.name(), &row, content)?;
        self.transaction.open_table(table)?.insert(row.as_slice(), sealed.as_slice())?;
        Ok(())
    }

    /// Deletes the row about `id`, if there is one.
    pub(super) fn delete(&self, table: Table, id: &[u8]) -> Result<(), LedgerFault> {
        let row = self.seal.lookup(table.name(), id);
        self.transaction.open_table(table)?.remove(row.as_slice())?;
        Ok(())
    }

    /// Puts the change on the disk.
    pub(super) fn commit(self) -> Result<(), LedgerFault> {
        Ok(self.transaction.commit()?)
    }
}

fn one(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    row: &[u8],
) -> Result<Option<Vec<u8>>, LedgerFault> {
    Ok(table.get(row)?.map(|content| content.value().to_vec()))
}

fn all(table: &impl ReadableTable<&'static [u8], &'static [u8]>) -> Result<Vec<SealedRow>, LedgerFault> {
    table
        .iter()?
        .map(|entry| {
            let (row, content) = entry?;
            Ok((row.value().to_vec(), content.value().to_vec()))
        })
        .collect()
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".draft");
    path.with_file_name(name)
}

/// Makes a new name in a folder survive a power cut.
fn sync_folder(path: &Path) -> Result<(), LedgerFault> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(LedgerFault::of)
}
