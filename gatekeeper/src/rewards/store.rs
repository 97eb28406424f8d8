//! One file of finished releases and given answers. Each change is one transaction, on the disk before it is answered.
//!
//! Everything in it is noised and meant to be given away; until then it is nobody's business, so only the owner of the process
//! may read the file. Which of the two is secret, the noise or the exact sums, never comes here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use medrec_anonymizer::bundle::{Files, FinishedTable};
use medrec_domain::Digest;
use medrec_domain::identifier::EpochNumber;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::RewardsError;
use super::rows::{BountyRow, EpochRow, ShardRow};

type Bytes = &'static [u8];
const EPOCHS: TableDefinition<'static, u64, Bytes> = TableDefinition::new("epochs");
const SHARDS: TableDefinition<'static, (u64, u32), Bytes> = TableDefinition::new("shards");
const FILES: TableDefinition<'static, (u64, u32, &'static str), Bytes> = TableDefinition::new("files");
const BOUNTIES: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("bounties");
const ANSWERS: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("answers");
const META: TableDefinition<'static, &'static str, u32> = TableDefinition::new("meta");
/// Version of the file's form.
const VERSION: u32 = 1;

/// What an answer is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerKey {
    /// The shard of an epoch that a block earned.
    Shard(EpochNumber, Digest),
    /// A bounty.
    Bounty(Digest),
}

impl AnswerKey {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Shard(epoch, block) => [b"shard".as_slice(), &epoch.0.to_be_bytes(), &block.0].concat(),
            Self::Bounty(id) => [b"bounty".as_slice(), &id.0].concat(),
        }
    }
}

/// The open file.
pub(super) struct Store {
    database: Database,
    path: PathBuf,
}

/// A failure of the database, before it knows its file.
struct Fault(String);

impl<E: std::error::Error> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Store {
    /// Opens the file, or makes it.
    pub(super) fn open(path: &Path) -> Result<Self, RewardsError> {
        let open = || -> Result<Database, Fault> {
            let database = medrec_store::open(path, &Database::builder())?;
            let write = database.begin_write()?;
            let found = write.open_table(META)?.get("version")?.map(|version| version.value());
            if found.is_some_and(|found| found > VERSION) {
                return Err(Fault("a newer version wrote it\n\nhint: use the newer software".into()));
            }
            write.open_table(META)?.insert("version", VERSION)?;
            write.open_table(EPOCHS)?;
            write.open_table(SHARDS)?;
            write.open_table(FILES)?;
            write.open_table(BOUNTIES)?;
            write.open_table(ANSWERS)?;
            write.commit()?;
            Ok(database)
        };
        let database = open().map_err(|fault| RewardsError::Storage { path: path.into(), why: fault.0 })?;
        Ok(Self { database, path: path.into() })
    }

    fn at<T>(&self, outcome: Result<T, Fault>) -> Result<T, RewardsError> {
        outcome.map_err(|fault| RewardsError::Storage { path: self.path.clone(), why: fault.0 })
    }

    /// Every epoch, newest first.
    pub(super) fn epochs(&self) -> Result<Vec<(EpochNumber, EpochRow)>, RewardsError> {
        let read = || -> Result<_, Fault> {
            let table = self.database.begin_read()?.open_table(EPOCHS)?;
            let mut epochs = Vec::new();
            for entry in table.iter()?.rev() {
                let (epoch, row) = entry?;
                epochs.push((EpochNumber(epoch.value()), decode(row.value())?));
            }
            Ok(epochs)
        };
        self.at(read())
    }

    /// One epoch.
    pub(super) fn epoch(&self, epoch: EpochNumber) -> Result<Option<EpochRow>, RewardsError> {
        let read = || -> Result<_, Fault> {
            let table = self.database.begin_read()?.open_table(EPOCHS)?;
            table.get(epoch.0)?.map(|row| decode(row.value())).transpose()
        };
        self.at(read())
    }

    /// Enters an epoch that is to be released.
    pub(super) fn enter_epoch(&self, epoch: EpochNumber, row: &EpochRow) -> Result<(), RewardsError> {
        let write = || -> Result<_, Fault> {
            let write = self.database.begin_write()?;
            write.open_table(EPOCHS)?.insert(epoch.0, encode(row)?.as_slice())?;
            Ok(write.commit()?)
        };
        self.at(write())
    }

    /// Stores a finished epoch with all its shards, at once.
    pub(super) fn finish_epoch(
        &self,
        epoch: EpochNumber,
        row: &EpochRow,
        shards: &[(ShardRow, FinishedTable)],
    ) -> Result<(), RewardsError> {
        let write = || -> Result<_, Fault> {
            let write = self.database.begin_write()?;
            let stands = write.open_table(EPOCHS)?.get(epoch.0)?.map(|row| decode::<EpochRow>(row.value()));
            if stands.transpose()?.is_some_and(|row| row.finished.is_some()) {
                return Err(Fault("the epoch is finished already".into()));
            }
            for (index, (shard, finished)) in (0_u32..).zip(shards) {
                write.open_table(SHARDS)?.insert((epoch.0, index), encode(shard)?.as_slice())?;
                for (path, bytes) in &finished.files {
                    write.open_table(FILES)?.insert((epoch.0, index, path.as_str()), bytes.as_slice())?;
                }
            }
            write.open_table(EPOCHS)?.insert(epoch.0, encode(row)?.as_slice())?;
            Ok(write.commit()?)
        };
        self.at(write())
    }

    /// The shards of an epoch, without their files.
    pub(super) fn shards(&self, epoch: EpochNumber) -> Result<Vec<ShardRow>, RewardsError> {
        let read = || -> Result<_, Fault> {
            let table = self.database.begin_read()?.open_table(SHARDS)?;
            let rows = table.range((epoch.0, 0)..=(epoch.0, u32::MAX))?;
            rows.map(|entry| decode(entry?.1.value())).collect()
        };
        self.at(read())
    }

    /// The files of one shard.
    pub(super) fn files(
        &self,
        epoch: EpochNumber,
        index: u32,
        paths: &BTreeSet<String>,
    ) -> Result<Files, RewardsError> {
        let read = || -> Result<_, Fault> {
            let table = self.database.begin_read()?.open_table(FILES)?;
            let mut files = Files::new();
            for path in paths {
                let bytes = table.get((epoch.0, index, path.as_str()))?;
                let bytes = bytes.ok_or_else(|| Fault(format!("{path} of a shard is missing")))?;
                files.insert(path.clone(), bytes.value().to_vec());
            }
            Ok(files)
        };
        self.at(read())
    }

    /// A bounty.
    pub(super) fn bounty(&self, id: Digest) -> Result<Option<BountyRow>, RewardsError> {
        let read = || -> Result<_, Fault> {
            let table = self.database.begin_read()?.open_table(BOUNTIES)?;
            table.get(id.0.as_slice())?.map(|row| decode(row.value())).transpose()
        };
        self.at(read())
    }

    /// Enters a bounty that is to be answered, or stores it with its answer, at once.
    pub(super) fn put_bounty(
        &self,
        id: Digest,
        row: &BountyRow,
        answer: Option<&[u8]>,
    ) -> Result<(), RewardsError> {
        let write = || -> Result<_, Fault> {
            let write = self.database.begin_write()?;
            let stands =
                write.open_table(BOUNTIES)?.get(id.0.as_slice())?.map(|row| decode::<BountyRow>(row.value()));
            if stands.transpose()?.is_some_and(|row| row.manifest.is_some()) {
                return Err(Fault("the bounty is answered already".into()));
            }
            write.open_table(BOUNTIES)?.insert(id.0.as_slice(), encode(row)?.as_slice())?;
            if let Some(answer) = answer {
                write.open_table(ANSWERS)?.insert(AnswerKey::Bounty(id).bytes().as_slice(), answer)?;
            }
            Ok(write.commit()?)
        };
        self.at(write())
    }

    /// An answer that was given.
    pub(super) fn answer(&self, key: AnswerKey) -> Result<Option<Vec<u8>>, RewardsError> {
        let read = || -> Result<_, Fault> {
            let table = self.database.begin_read()?.open_table(ANSWERS)?;
            Ok(table.get(key.bytes().as_slice())?.map(|answer| answer.value().to_vec()))
        };
        self.at(read())
    }

    /// Stores an answer, unless there is one; returns the one that stands.
    pub(super) fn keep_answer(&self, key: AnswerKey, answer: Vec<u8>) -> Result<Vec<u8>, RewardsError> {
        let write = || -> Result<_, Fault> {
            let write = self.database.begin_write()?;
            let earlier = {
                let mut table = write.open_table(ANSWERS)?;
                let earlier = table.get(key.bytes().as_slice())?.map(|answer| answer.value().to_vec());
                if earlier.is_none() {
                    table.insert(key.bytes().as_slice(), answer.as_slice())?;
                }
                earlier
            };
            write.commit()?;
            Ok(earlier.unwrap_or(answer))
        };
        self.at(write())
    }
}

fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, Fault> {
    Ok(serde_json::to_vec(row)?)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    Ok(serde_json::from_slice(bytes)?)
}
