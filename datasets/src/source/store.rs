//! The index of a folder: canonical rows on disk, sorted by person.
//!
//! A folder of files cannot be asked for one person, and Parquet is made for scans: decoding a page of
//! each column costs more than a millisecond. So the rows are written once more, person by
//! person. A read is two small reads of files, whatever the size of the source; in memory there
//! is one number for every 64 persons.

mod build;
mod encoding;
mod layout;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use medrec_domain::schema::{ColumnSpec, Table};

use crate::error::DatasetError;
use crate::folder::Sink;
use crate::options::Days;
use crate::table::batch::Batch;
use crate::table::cell::Cell;
use build::Builder;
use layout::{ENTRY_BYTES, Entry, place};

/// Entries that share a number in memory.
const ENTRIES_PER_STEP: usize = 64;

/// An index that is open.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    index: File,
    rows: File,
    persons: u64,
    /// The first person of every step.
    steps: Vec<u64>,
}

impl Store {
    /// Builds an index at `folder` from what `fill` writes, and opens it.
    ///
    /// The index of an earlier run is replaced when the new one is whole.
    pub(super) fn build<R>(
        folder: &Path,
        fill: impl FnOnce(&mut dyn Sink) -> Result<R, DatasetError>,
    ) -> Result<(Self, R), DatasetError> {
        let building = folder.with_extension("building");
        let mut builder = Builder::new(&building)?;
        let report = fill(&mut builder)?;
        builder.finish()?;
        if folder.exists() {
            std::fs::remove_dir_all(folder).map_err(DatasetError::io(folder))?;
        }
        std::fs::rename(&building, folder).map_err(DatasetError::io(folder))?;
        Ok((Self::open(folder)?, report))
    }

    fn open(folder: &Path) -> Result<Self, DatasetError> {
        let (index_path, rows_path) = (folder.join("index"), folder.join("rows"));
        let index = File::open(&index_path).map_err(DatasetError::io(&index_path))?;
        let rows = File::open(&rows_path).map_err(DatasetError::io(&rows_path))?;
        let bytes = index.metadata().map_err(DatasetError::io(&index_path))?.len();
        let entry_bytes = u64::try_from(ENTRY_BYTES).unwrap_or(1);
        if !bytes.is_multiple_of(entry_bytes) {
            return Err(DatasetError::Store { path: index_path, problem: "is cut short".into() });
        }
        let mut store = Self {
            folder: folder.to_path_buf(),
            index,
            rows,
            persons: bytes / entry_bytes,
            steps: Vec::new(),
        };
        let step = u64::try_from(ENTRIES_PER_STEP).unwrap_or(1);
        for number in 0..store.persons.div_ceil(step) {
            let entries = store.entries(number * step, 1)?;
            store.steps.extend(entries.iter().map(|entry| entry.person));
        }
        Ok(store)
    }

    fn entries(&self, first: u64, count: usize) -> Result<Vec<Entry>, DatasetError> {
        let path = || self.folder.join("index");
        let mut bytes = vec![0; count * ENTRY_BYTES];
        let offset = first * u64::try_from(ENTRY_BYTES).unwrap_or(1);
        self.index.read_exact_at(&mut bytes, offset).map_err(|error| DatasetError::io(&path())(error))?;
        let entries = bytes.chunks_exact(ENTRY_BYTES).map(Entry::decode).collect::<Option<_>>();
        entries.ok_or_else(|| DatasetError::Store { path: path(), problem: "has a broken entry".into() })
    }

    fn find(&self, person: u64) -> Result<Option<Entry>, DatasetError> {
        let step = self.steps.partition_point(|first| *first <= person);
        let Some(step) = step.checked_sub(1) else { return Ok(None) };
        let first = u64::try_from(step * ENTRIES_PER_STEP).unwrap_or(u64::MAX);
        let left = usize::try_from(self.persons.saturating_sub(first)).unwrap_or(usize::MAX);
        let entries = self.entries(first, left.min(ENTRIES_PER_STEP))?;
        let found = entries.binary_search_by_key(&person, |entry| entry.person);
        Ok(found.ok().and_then(|place| entries.into_iter().nth(place)))
    }

    /// Whether a person is in the source.
    pub(super) fn has(&self, person: u64) -> Result<bool, DatasetError> {
        Ok(self.find(person)?.is_some())
    }

    /// A person's rows of a table.
    pub(super) fn read(
        &self,
        person: u64,
        table: Table,
        columns: &[&'static ColumnSpec],
        days: Days,
    ) -> Result<RecordBatch, DatasetError> {
        let mut batch = Batch::of(table, columns);
        let entry = self.find(person)?;
        let (Some(entry), Some(place)) = (entry, place(table)) else { return batch.finish() };
        let (offset, length) = entry.rows(place);
        let path = || self.folder.join("rows");
        let mut bytes = vec![0; length];
        self.rows.read_exact_at(&mut bytes, offset).map_err(|error| DatasetError::io(&path())(error))?;
        let date = table.date_column();
        let date = date.and_then(|name| table.columns().iter().position(|column| column.name == name));
        let read = encoding::each_row(table, &bytes, |cells| {
            let day = date.and_then(|date| cells.get(date));
            let outside = matches!(day, Some(Cell::Date(Some(day))) if !days.contains(*day));
            if !outside {
                batch.push_cells(cells);
            }
        });
        read.ok_or_else(|| DatasetError::Store { path: path(), problem: "has a broken row".into() })?;
        batch.finish()
    }
}
