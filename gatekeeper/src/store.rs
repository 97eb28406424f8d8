//! One file for everything that a gatekeeper remembers: links, documents, notifications, the audit log.
//!
//! Keys are bytes, values canonical JSON. A change is one transaction, on the disk before anybody is answered. Blocks: call it
//! from a thread that may wait.
//!
//! # Privacy
//! Links and documents are as secret as the records; only the owner of the process may read the file.

mod acts;
mod documents;
mod links;
mod notices;
mod steps;
mod trail;

use std::path::{Path, PathBuf};

use medrec_domain::canonical;
use redb::{
    Database, ReadTransaction, ReadableDatabase as _, ReadableTable, TableDefinition, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::GatekeeperError;

pub(crate) use self::acts::ActRow;
pub(crate) use self::documents::{DocumentRow, Kept};
pub(crate) use self::links::{Link, PointerRow};
pub(crate) use self::trail::AuditHead;

type Bytes = &'static [u8];
type Definition = TableDefinition<'static, Bytes, Bytes>;

/// Version of the file's form.
const VERSION: u32 = 1;
const META: TableDefinition<'static, &'static str, u32> = TableDefinition::new("meta");

macro_rules! shelves {
    ($($(#[$about:meta])* $name:ident $table:literal;)*) => {
        /// A table of the store.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Shelf { $($(#[$about])* $name,)* }

        impl Shelf {
            const ALL: &[Self] = &[$(Self::$name,)*];

            const fn definition(self) -> Definition {
                match self { $(Self::$name => TableDefinition::new($table),)* }
            }

            const fn name(self) -> &'static str {
                match self { $(Self::$name => $table,)* }
            }
        }
    };
}

shelves! {
    /// Account -> [`Link`].
    Links "links";
    /// Id in the provider's database -> account.
    Persons "persons";
    /// Id in the provider's database of whom the ledger is still to forget -> the account that was unlinked.
    ToForget "to-forget";
    /// Account -> whatever the provider noted when it invited.
    Invitations "invitations";
    /// Patient's account and commitment -> [`DocumentRow`].
    Documents "documents";
    /// Key of a carried act -> who may ask for it.
    Relayed "relayed";
    /// Key of an act of the provider's own -> [`ActRow`].
    Acts "acts";
    /// Commitment of a record pointer -> what opens it.
    Pointers "pointers";
    /// Recipient's account and sequence -> notification.
    Notices "notices";
    /// What the follower has to remember: its position, and which events were notified.
    Followed "followed";
    /// Sequence -> audit entry.
    Audit "audit";
    /// Patient's account and sequence -> nothing; the entries that concern her.
    AuditOf "audit-of";
    /// Single values by name.
    Notes "notes";
}

/// A failure of the database or of a value, before it knows its file.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) String);

impl<E: std::error::Error> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Names the one failure of opening that an operator can mend at once.
fn in_use(error: redb::DatabaseError) -> Fault {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => Fault(
            "in use by another process\n\nhint: one gatekeeper at a time works in a state folder; stop that one, or name another"
                .into(),
        ),
        other => other.into(),
    }
}

/// The open file.
pub(crate) struct Store {
    database: Database,
    path: PathBuf,
}

/// A key and its value.
pub(crate) type Pair<T> = (Vec<u8>, T);

impl Store {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self, GatekeeperError> {
        let open = || -> Result<Database, Fault> {
            let database = medrec_store::open(path, &Database::builder()).map_err(in_use)?;
            let write = database.begin_write()?;
            let found = write.open_table(META)?.get("version")?.map(|version| version.value());
            if found.is_some_and(|found| found > VERSION) {
                return Err(Fault("a newer version wrote it\n\nhint: use the newer software".into()));
            }
            write.open_table(META)?.insert("version", VERSION)?;
            for shelf in Shelf::ALL {
                write.open_table(shelf.definition())?;
            }
            write.commit()?;
            Ok(database)
        };
        let database =
            open().map_err(|fault| GatekeeperError::Storage { path: path.into(), why: fault.0 })?;
        Ok(Self { database, path: path.into() })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at one state of the store.
    pub(crate) fn look<T>(&self, work: impl FnOnce(&Look) -> Result<T, Fault>) -> Result<T, GatekeeperError> {
        let look = || -> Result<T, Fault> { work(&Look(self.database.begin_read()?)) };
        self.at(look())
    }

    /// Changes the store, all or nothing; the change is on the disk when this returns.
    pub(crate) fn change<T>(
        &self,
        work: impl FnOnce(&Change) -> Result<T, Fault>,
    ) -> Result<T, GatekeeperError> {
        let change = || -> Result<T, Fault> {
            let change = Change(self.database.begin_write()?);
            let outcome = work(&change)?;
            change.0.commit()?;
            Ok(outcome)
        };
        self.at(change())
    }

    /// The value of a key.
    pub(crate) fn get<T: Serialize + DeserializeOwned>(
        &self,
        shelf: Shelf,
        key: &[u8],
    ) -> Result<Option<T>, GatekeeperError> {
        self.look(|look| look.get(shelf, key))
    }

    /// Puts one value, in place of an earlier one.
    pub(crate) fn put<T: Serialize>(
        &self,
        shelf: Shelf,
        key: &[u8],
        value: &T,
    ) -> Result<(), GatekeeperError> {
        self.change(|change| change.put(shelf, key, value))
    }

    fn at<T>(&self, outcome: Result<T, Fault>) -> Result<T, GatekeeperError> {
        outcome.map_err(|fault| GatekeeperError::Storage { path: self.path.clone(), why: fault.0 })
    }
}

/// One state of the store.
pub(crate) struct Look(ReadTransaction);

impl Look {
    /// The value of a key.
    pub(crate) fn get<T: Serialize + DeserializeOwned>(
        &self,
        shelf: Shelf,
        key: &[u8],
    ) -> Result<Option<T>, Fault> {
        get(&self.0.open_table(shelf.definition())?, shelf, key)
    }

    /// Values whose keys start with `prefix` and lie above `after`, by key, at most `limit`.
    pub(crate) fn scan<T: Serialize + DeserializeOwned>(
        &self,
        shelf: Shelf,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair<T>>, Fault> {
        scan(&self.0.open_table(shelf.definition())?, shelf, prefix, after, limit)
    }
}

impl Look {
    /// Every key and value of a table as bytes, by key, until `each` says stop.
    fn each(&self, shelf: Shelf, mut each: impl FnMut(&[u8], &[u8]) -> bool) -> Result<(), Fault> {
        for entry in self.0.open_table(shelf.definition())?.iter()? {
            let (key, value) = entry?;
            if !each(key.value(), value.value()) {
                break;
            }
        }
        Ok(())
    }
}

/// A change that is not finished.
pub(crate) struct Change(WriteTransaction);

impl Change {
    /// The value of a key.
    pub(crate) fn get<T: Serialize + DeserializeOwned>(
        &self,
        shelf: Shelf,
        key: &[u8],
    ) -> Result<Option<T>, Fault> {
        get(&self.0.open_table(shelf.definition())?, shelf, key)
    }

    /// As [`Look::scan`].
    pub(crate) fn scan<T: Serialize + DeserializeOwned>(
        &self,
        shelf: Shelf,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair<T>>, Fault> {
        scan(&self.0.open_table(shelf.definition())?, shelf, prefix, after, limit)
    }

    /// Puts a value, in place of an earlier one.
    pub(crate) fn put<T: Serialize>(&self, shelf: Shelf, key: &[u8], value: &T) -> Result<(), Fault> {
        let bytes = canonical::encode(value)?;
        self.0.open_table(shelf.definition())?.insert(key, bytes.as_slice())?;
        Ok(())
    }

    /// Takes a value out, and tells whether there was one.
    pub(crate) fn remove(&self, shelf: Shelf, key: &[u8]) -> Result<bool, Fault> {
        Ok(self.0.open_table(shelf.definition())?.remove(key)?.is_some())
    }
}

fn get<T: Serialize + DeserializeOwned>(
    table: &impl ReadableTable<Bytes, Bytes>,
    shelf: Shelf,
    key: &[u8],
) -> Result<Option<T>, Fault> {
    let Some(value) = table.get(key)? else { return Ok(None) };
    Ok(Some(canonical::decode(shelf.name(), value.value())?))
}

fn scan<T: Serialize + DeserializeOwned>(
    table: &impl ReadableTable<Bytes, Bytes>,
    shelf: Shelf,
    prefix: &[u8],
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<Pair<T>>, Fault> {
    let mut pairs = Vec::new();
    for entry in table.range(after.unwrap_or(prefix)..)? {
        let (key, value) = entry?;
        if !key.value().starts_with(prefix) || pairs.len() >= limit {
            break;
        }
        if after != Some(key.value()) {
            pairs.push((key.value().to_vec(), canonical::decode(shelf.name(), value.value())?));
        }
    }
    Ok(pairs)
}
