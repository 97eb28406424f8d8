//! Builds the index: rows in the order of the source become rows in the order of persons.
//!
//! A source may be larger than memory, so rows are first dealt into buckets by the leading bits of their
//! person's pseudonym (which are uniform), each a file; then one bucket after the other is sorted in memory
//! and appended to the index. Memory is one part in 128 of the rows.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use medrec_domain::schema::Table;

use super::encoding::Rows;
use super::layout::{Entry, PERSON_TABLES, place};
use crate::error::DatasetError;
use crate::folder::Sink;

const BUCKET_BITS: u32 = 7;
/// Person, table and length in front of a row of a bucket.
const HEAD_BYTES: usize = 8 + 1 + 4;

/// A sink that sorts rows by person.
pub(super) struct Builder {
    folder: PathBuf,
    buckets: Vec<Option<BufWriter<File>>>,
    row: Vec<u8>,
}

/// A file that nobody else may read: it holds records.
fn create(path: &Path) -> Result<BufWriter<File>, DatasetError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    Ok(BufWriter::with_capacity(1 << 16, options.open(path).map_err(DatasetError::io(path))?))
}

impl Builder {
    /// Starts an index in `folder`, which is made; what is in it is replaced.
    pub(super) fn new(folder: &Path) -> Result<Self, DatasetError> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).map_err(DatasetError::io(folder))?;
        }
        let mut make = std::fs::DirBuilder::new();
        make.recursive(true).mode(0o700).create(folder).map_err(DatasetError::io(folder))?;
        let buckets = (0..1_u32 << BUCKET_BITS).map(|_| None).collect();
        Ok(Self { folder: folder.to_path_buf(), buckets, row: Vec::new() })
    }

    fn bucket_path(&self, bucket: usize) -> PathBuf {
        self.folder.join(format!("bucket-{bucket}"))
    }

    /// Sorts the buckets one after the other into the index.
    pub(super) fn finish(mut self) -> Result<(), DatasetError> {
        let (index_path, rows_path) = (self.folder.join("index"), self.folder.join("rows"));
        let (mut index, mut rows) = (create(&index_path)?, create(&rows_path)?);
        let mut offset = 0;
        for (bucket, writer) in std::mem::take(&mut self.buckets).into_iter().enumerate() {
            let Some(mut writer) = writer else { continue };
            let path = self.bucket_path(bucket);
            writer.flush().map_err(DatasetError::io(&path))?;
            drop(writer);
            let bytes = std::fs::read(&path).map_err(DatasetError::io(&path))?;
            std::fs::remove_file(&path).map_err(DatasetError::io(&path))?;
            for (person, parts) in sorted(&path, &bytes)? {
                let mut entry = Entry { person, offset, lengths: [0; PERSON_TABLES.len()] };
                for (table, row) in parts {
                    rows.write_all(row).map_err(DatasetError::io(&rows_path))?;
                    let length = u32::try_from(row.len()).unwrap_or(u32::MAX);
                    let sum = entry.lengths[table].checked_add(length);
                    entry.lengths[table] = sum.ok_or_else(|| DatasetError::Store {
                        path: rows_path.clone(),
                        problem: "a person has more than 4 GiB of one table".into(),
                    })?;
                    offset += u64::from(length);
                }
                index.write_all(&entry.encode()).map_err(DatasetError::io(&index_path))?;
            }
        }
        index.flush().map_err(DatasetError::io(&index_path))?;
        rows.flush().map_err(DatasetError::io(&rows_path))
    }
}

/// Rows of a person, each with the place of its table.
type Parts<'b> = Vec<(usize, &'b [u8])>;

/// Persons of a bucket in order, each with her rows by table and then in the order of the source.
fn sorted<'b>(path: &Path, bytes: &'b [u8]) -> Result<Vec<(u64, Parts<'b>)>, DatasetError> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let next = split(rest);
        let damaged = || DatasetError::Store { path: path.to_path_buf(), problem: "is cut short".into() };
        let (person, table, row, after) = next.ok_or_else(damaged)?;
        found.push((person, table, row));
        rest = after;
    }
    // Stable: rows of one table keep the order of the source.
    found.sort_by_key(|(person, table, _)| (*person, *table));
    let mut persons: Vec<(u64, Parts<'_>)> = Vec::new();
    for (person, table, row) in found {
        match persons.last_mut() {
            Some((last, parts)) if *last == person => parts.push((table, row)),
            _ => persons.push((person, vec![(table, row)])),
        }
    }
    Ok(persons)
}

fn split(bytes: &[u8]) -> Option<(u64, usize, &[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    let person = u64::from_le_bytes(head.get(..8)?.try_into().ok()?);
    let table = usize::from(*head.get(8)?);
    let length = u32::from_le_bytes(head.get(9..)?.try_into().ok()?);
    let (row, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    (table < PERSON_TABLES.len()).then_some((person, table, row, rest))
}

impl Sink for Builder {
    fn write(&mut self, table: Table, batch: &RecordBatch) -> Result<(), DatasetError> {
        let Some(table_place) = place(table) else { return Ok(()) };
        let shape =
            || DatasetError::Batch { table: table.name(), problem: "is not of the table's shape".into() };
        let rows = Rows::of(table, batch).ok_or_else(shape)?;
        for row in 0..batch.num_rows() {
            let person = rows.person(row);
            self.row.clear();
            self.row.extend(person.to_le_bytes());
            self.row.push(u8::try_from(table_place).unwrap_or(u8::MAX));
            self.row.extend([0; 4]);
            rows.encode(row, &mut self.row)?;
            let length = u32::try_from(self.row.len() - HEAD_BYTES).unwrap_or(u32::MAX);
            self.row[HEAD_BYTES - 4..HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
            let bucket = usize::try_from(person >> (64 - BUCKET_BITS)).unwrap_or(0);
            let path = self.bucket_path(bucket);
            let writer = match &mut self.buckets[bucket] {
                Some(writer) => writer,
                empty => empty.insert(create(&path)?),
            };
            writer.write_all(&self.row).map_err(DatasetError::io(&path))?;
        }
        Ok(())
    }
}
