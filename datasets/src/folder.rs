//! Canonical folders: the tables as Parquet, written by the readers and scanned lazily.
//!
//! `person/part-0.parquet`, `encounter/part-0.parquet` and so on, with the schema of the domain. A
//! folder is read batch by batch and column by column, so nothing larger than a batch is in memory;
//! any engine that scans Parquet can do the same. Equal input and options give equal bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use medrec_domain::schema::Table;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::DatasetError;
use crate::table::schema;

/// Rows of a row group: the unit that is held in memory while it is written.
const ROWS_PER_GROUP: usize = 1 << 18;
/// Rows of a batch that is read.
const ROWS_PER_BATCH: usize = 1 << 16;

/// Where readers put what they read.
pub trait Sink {
    /// Takes a batch of a table. Batches come in the order of the source, table by table.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking it.
    fn write(&mut self, table: Table, batch: &RecordBatch) -> Result<(), DatasetError>;
}

/// Writes a canonical folder.
pub struct FolderWriter {
    root: PathBuf,
    writers: BTreeMap<Table, ArrowWriter<File>>,
}

impl FolderWriter {
    /// Creates the folder and an empty file for every table. Files of an earlier run are replaced.
    ///
    /// # Errors
    /// [`DatasetError::Io`] and [`DatasetError::Parquet`].
    pub fn create(root: &Path) -> Result<Self, DatasetError> {
        let mut writers = BTreeMap::new();
        for table in Table::ALL {
            let folder = root.join(table.name());
            std::fs::create_dir_all(&folder).map_err(DatasetError::io(&folder))?;
            let path = folder.join("part-0.parquet");
            let file = File::create(&path).map_err(DatasetError::io(&path))?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
                .set_created_by("medrec".to_owned())
                .build();
            let writer = ArrowWriter::try_new(file, schema(table), Some(properties));
            writers.insert(table, writer.map_err(DatasetError::parquet(&path))?);
        }
        Ok(Self { root: root.to_path_buf(), writers })
    }

    /// Finishes all files. A folder is not whole before.
    ///
    /// # Errors
    /// [`DatasetError::Parquet`].
    pub fn finish(self) -> Result<Folder, DatasetError> {
        for (table, writer) in self.writers {
            let path = self.root.join(table.name());
            writer.close().map_err(DatasetError::parquet(&path))?;
        }
        Folder::open(&self.root)
    }
}

impl Sink for FolderWriter {
    fn write(&mut self, table: Table, batch: &RecordBatch) -> Result<(), DatasetError> {
        let path = self.root.join(table.name());
        match self.writers.get_mut(&table) {
            Some(writer) => writer.write(batch).map_err(DatasetError::parquet(&path)),
            None => Ok(()),
        }
    }
}

/// A canonical folder that is read lazily.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens a folder and checks the schema of every file in it. A table without files is empty.
    ///
    /// # Errors
    /// [`DatasetError::Io`]; [`DatasetError::Parquet`] when a file lacks a column or has one of another type.
    pub fn open(root: &Path) -> Result<Self, DatasetError> {
        let folder = Self { root: root.to_path_buf() };
        for table in Table::ALL {
            for path in folder.files(table)? {
                check_schema(&path, table)?;
            }
        }
        Ok(folder)
    }

    /// Parquet files of a table, by name: `person/*.parquet`, or `person.parquet`.
    ///
    /// # Errors
    /// [`DatasetError::Io`].
    pub fn files(&self, table: Table) -> Result<Vec<PathBuf>, DatasetError> {
        let single = self.root.join(format!("{}.parquet", table.name()));
        let folder = self.root.join(table.name());
        let mut files: Vec<PathBuf> = single.is_file().then_some(single).into_iter().collect();
        if folder.is_dir() {
            for entry in std::fs::read_dir(&folder).map_err(DatasetError::io(&folder))? {
                let path = entry.map_err(DatasetError::io(&folder))?.path();
                if path.extension().is_some_and(|extension| extension == "parquet") {
                    files.push(path);
                }
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// Parts of a table: the row groups of its files, which can be read in any order and in parallel.
    ///
    /// # Errors
    /// [`DatasetError::Io`] and [`DatasetError::Parquet`].
    pub fn parts(&self, table: Table) -> Result<Vec<Part>, DatasetError> {
        let mut parts = Vec::new();
        for path in self.files(table)? {
            let file = File::open(&path).map_err(DatasetError::io(&path))?;
            let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())
                .map_err(DatasetError::parquet(&path))?;
            for (row_group, group) in metadata.metadata().row_groups().iter().enumerate() {
                let rows = u64::try_from(group.num_rows()).unwrap_or_default();
                parts.push(Part { path: path.clone(), row_group, metadata: metadata.clone(), rows });
            }
        }
        Ok(parts)
    }

    /// Batches of the named columns of a table (in the schema's order), read as they are asked for.
    ///
    /// # Errors
    /// [`DatasetError::Io`] and [`DatasetError::Parquet`], on opening or inside the iterator.
    pub fn batches<'a>(
        &self,
        table: Table,
        columns: &'a [&str],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, DatasetError>> + use<'a>, DatasetError> {
        let files = self.files(table)?;
        Ok(files.into_iter().flat_map(move |path| match reader(&path, columns) {
            Ok(reader) => {
                let batches = reader.map(move |batch| {
                    batch.map_err(|error| DatasetError::Parquet {
                        path: path.clone(),
                        problem: error.to_string(),
                    })
                });
                Box::new(batches) as Box<dyn Iterator<Item = _>>
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        }))
    }
}

/// A run of rows that can be read by itself.
#[derive(Debug, Clone)]
pub struct Part {
    path: PathBuf,
    row_group: usize,
    metadata: ArrowReaderMetadata,
    /// Rows in it.
    pub rows: u64,
}

impl Part {
    /// Batches of the named columns (in the schema's order), read as they are asked for.
    ///
    /// # Errors
    /// [`DatasetError::Io`] and [`DatasetError::Parquet`], on opening or inside the iterator.
    pub fn batches(
        &self,
        columns: &[&str],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, DatasetError>> + use<>, DatasetError> {
        let file = File::open(&self.path).map_err(DatasetError::io(&self.path))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let projection = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let builder = builder
            .with_projection(projection)
            .with_row_groups(vec![self.row_group])
            .with_batch_size(ROWS_PER_BATCH);
        let path = self.path.clone();
        let reader = builder.build().map_err(DatasetError::parquet(&path))?;
        Ok(reader.map(move |batch| {
            batch.map_err(|error| DatasetError::Parquet { path: path.clone(), problem: error.to_string() })
        }))
    }
}

fn reader(path: &Path, columns: &[&str]) -> Result<ParquetRecordBatchReader, DatasetError> {
    let file = File::open(path).map_err(DatasetError::io(path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(DatasetError::parquet(path))?;
    let projection = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let builder = builder.with_projection(projection).with_batch_size(ROWS_PER_BATCH);
    builder.build().map_err(DatasetError::parquet(path))
}

/// Columns may be more than the table's; those of the table must be there with their types.
fn check_schema(path: &Path, table: Table) -> Result<(), DatasetError> {
    let file = File::open(path).map_err(DatasetError::io(path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(DatasetError::parquet(path))?;
    let refuse = |problem: String| Err(DatasetError::Parquet { path: path.to_path_buf(), problem });
    for expected in schema(table).fields() {
        match builder.schema().field_with_name(expected.name()) {
            Err(_) => return refuse(format!("has no column {}", expected.name())),
            Ok(found) if found.data_type() != expected.data_type() => {
                let (found, wanted) = (found.data_type(), expected.data_type());
                return refuse(format!("column {} is {found} and should be {wanted}", expected.name()));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::basic::ColumnOrder;

    #[test]
    fn every_column_states_the_order_that_every_reader_knows() {
        let home = tempfile::tempdir().unwrap();
        let folder = FolderWriter::create(home.path()).unwrap().finish().unwrap();
        for table in Table::ALL {
            for path in folder.files(table).unwrap() {
                let file = File::open(&path).unwrap();
                let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
                let orders = reader.metadata().file_metadata().column_orders().unwrap();
                // polars up to 1.36 opens no file that states another one.
                let is_known = orders.iter().all(|order| matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_)));
                assert!(is_known && !orders.is_empty(), "{}: {orders:?}", path.display());
            }
        }
    }
}
