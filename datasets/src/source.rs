//! A source of records that is asked for one person, or for everyone.
//!
//! A provider keeps its records in a folder of files or in a database of its own. Either way a
//! [`RecordSource`] gives the same canonical rows: one person's, while somebody waits, and everybody's,
//! for a release. Folders are indexed when they are opened (`store`); databases are asked
//! each time, through a mapping.
//!
//! # Example
//! ```no_run
//! use medrec_datasets::{Days, Format, Location, PseudonymKey, ReadOptions, RecordSource};
//! use medrec_domain::{CalendarDate, schema::Table};
//!
//! let location = Location::Folder { path: "records".into(), format: Format::FhirNdjson };
//! let as_of = CalendarDate::from_year_month_day(2026, 1, 1).ok_or("no such day")?;
//! let options = ReadOptions::new(PseudonymKey::new([7; 16]), as_of);
//! let source = RecordSource::open(&location, options, "work".as_ref(), &())?;
//! let value = Table::Measurement.column("value").ok_or("no such column")?;
//! let rows = source.patient("patient-1", Table::Measurement, &[value], Days::ALL)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod store;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use arrow_array::RecordBatch;
use medrec_domain::CalendarDate;
use medrec_domain::schema::{ColumnSpec, Table};

use crate::error::DatasetError;
use crate::folder::Folder;
use crate::options::{Days, Progress, ReadOptions};
use crate::reader::{self, DatabaseUrl, Format, ReadReport, SqlMapping, SqlReader};
use store::Store;

/// Where a provider's records are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Location {
    /// A folder of files.
    Folder {
        /// The folder. It is read, never changed.
        path: PathBuf,
        /// Format of the files.
        format: Format,
    },
    /// A database. It is opened for reading, never changed.
    Database {
        /// Where it is.
        url: DatabaseUrl,
        /// Which of its tables and columns hold what.
        mapping: Box<SqlMapping>,
    },
}

/// Records of a provider, ready to be asked.
///
/// All methods block; call them from a thread that may wait (`spawn_blocking`). Several threads may ask
/// at once.
#[derive(Debug)]
pub struct RecordSource {
    options: ReadOptions,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Folder { path: PathBuf, format: Format, index: PathBuf, store: RwLock<Arc<Store>> },
    Database(Box<SqlReader>),
}

impl RecordSource {
    /// Opens a source. `work` is a folder of our own, made if it is not there: the index of a folder is
    /// written below it, readable by its owner alone.
    ///
    /// # Privacy
    /// The index holds canonical rows, as sensitive as the records. Rows are under pseudonyms; no direct
    /// identifier is among them.
    ///
    /// # Errors
    /// [`DatasetError`]: whatever keeps the records from being read.
    pub fn open(
        location: &Location,
        options: ReadOptions,
        work: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, DatasetError> {
        let inner = match location {
            Location::Folder { path, format } => {
                let index = work.join("records");
                let store = index_folder(path, format, &options, &index, progress)?;
                let (path, format) = (path.clone(), format.clone());
                Inner::Folder { path, format, index, store: RwLock::new(Arc::new(store)) }
            }
            Location::Database { url, mapping } => Inner::Database(Box::new(SqlReader::open(url, mapping)?)),
        };
        Ok(Self { options, inner })
    }

    /// Takes notice of a folder's new state; reads go on from the old one until then. Databases are asked
    /// each time and need none.
    ///
    /// # Errors
    /// As [`Self::open`]; the old state stays.
    pub fn refresh(&self, progress: &dyn Progress) -> Result<(), DatasetError> {
        match &self.inner {
            Inner::Folder { path, format, index, store } => {
                let fresh = index_folder(path, format, &self.options, index, progress)?;
                *store.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                Ok(())
            }
            Inner::Database(_) => Ok(()),
        }
    }

    /// Whether the source knows a patient by this id.
    ///
    /// # Errors
    /// [`DatasetError`]: the source cannot be read.
    pub fn has_patient(&self, source_id: &str) -> Result<bool, DatasetError> {
        match &self.inner {
            Inner::Folder { store, .. } => current(store).has(self.options.key.person(source_id).0),
            Inner::Database(reader) => reader.has(&self.options, source_id),
        }
    }

    /// One patient's rows of a table: the columns that are asked for, in that order, of rows whose date is
    /// among `days`. Nobody by that id gives no rows. Rows come in the order of the source.
    ///
    /// # Privacy
    /// Rows are canonical: pseudonyms, closed vocabularies, no direct identifier. Who may see them is for
    /// the caller to decide. Errors may name values of a row: they are for the provider's own log.
    ///
    /// # Errors
    /// [`DatasetError`]: the source cannot be read, a row is broken, no column is asked for, or one that
    /// the table lacks.
    pub fn patient(
        &self,
        source_id: &str,
        table: Table,
        columns: &[&'static ColumnSpec],
        days: Days,
    ) -> Result<RecordBatch, DatasetError> {
        check_columns(table, columns)?;
        let batch = match &self.inner {
            Inner::Folder { store, .. } => {
                current(store).read(self.options.key.person(source_id).0, table, columns, days)?
            }
            Inner::Database(reader) => reader.patient(&self.options, source_id, table, columns, days)?,
        };
        in_order(table, &batch, columns)
    }

    /// Reads the whole source into a canonical folder at `out`, for a release.
    ///
    /// # Errors
    /// As [`reader::convert`].
    pub fn convert(&self, out: &Path, progress: &dyn Progress) -> Result<(Folder, ReadReport), DatasetError> {
        self.convert_as_of(self.options.as_of, out, progress)
    }

    /// As [`Self::convert`], with another reference date than that of the options: usually the end of the
    /// release's window.
    ///
    /// # Errors
    /// As [`reader::convert`].
    pub fn convert_as_of(
        &self,
        as_of: CalendarDate,
        out: &Path,
        progress: &dyn Progress,
    ) -> Result<(Folder, ReadReport), DatasetError> {
        let options = ReadOptions { as_of, ..self.options.clone() };
        match &self.inner {
            Inner::Folder { path, format, .. } => reader::convert(path, format, &options, out, progress),
            Inner::Database(reader) => reader::convert_database(reader, &options, out, progress),
        }
    }
}

fn index_folder(
    path: &Path,
    format: &Format,
    options: &ReadOptions,
    index: &Path,
    progress: &dyn Progress,
) -> Result<Store, DatasetError> {
    let (store, _) = Store::build(index, |sink| reader::read(path, format, options, sink, progress))?;
    Ok(store)
}

fn current(store: &RwLock<Arc<Store>>) -> Arc<Store> {
    Arc::clone(&store.read().unwrap_or_else(PoisonError::into_inner))
}

fn check_columns(table: Table, columns: &[&'static ColumnSpec]) -> Result<(), DatasetError> {
    let refuse = |problem: String| Err(DatasetError::Option { option: "columns", problem });
    if columns.is_empty() {
        return refuse("are none".into());
    }
    match columns.iter().find(|column| table.column(column.name) != Some(column)) {
        Some(column) => refuse(format!("name {}, which {table} does not have", column.name)),
        None => Ok(()),
    }
}

/// The batch with its columns as they were asked for.
fn in_order(
    table: Table,
    batch: &RecordBatch,
    columns: &[&'static ColumnSpec],
) -> Result<RecordBatch, DatasetError> {
    let indices: Result<Vec<_>, _> =
        columns.iter().map(|column| batch.schema_ref().index_of(column.name)).collect();
    indices
        .and_then(|indices| batch.project(&indices))
        .map_err(|error| DatasetError::Batch { table: table.name(), problem: error.to_string() })
}
