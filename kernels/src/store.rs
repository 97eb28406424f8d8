//! Light caches and datasets on disk: loaded if they are there and whole, built and kept if not.
//!
//! - A file is written under another name (`….partial`) and renamed when it is whole and on disk.
//! - Each chunk of 4 MiB has its digest, written after it: a build that was killed goes on with the
//!   chunks that have theirs.
//! - Every chunk is checked when a file is loaded. A damaged file is renamed back to `….partial`, and
//!   only the damaged chunks are built again; nothing that fails its check is ever used.
//! - A file under construction is locked: a second process is told, and does not wait.
//! - Room on disk and in memory is checked before anything is written.
//!
//! What it does not know: where a user keeps caches (the caller names the folder), and progress bars.

mod chunks;
mod error;
pub mod header;
mod room;
mod work;

pub use error::{Damage, StoreError};
pub use room::available_memory_bytes;

use crate::ethash::{BuildError, Dataset, LightCache, Parameters, Row};
use crate::keccak::{Digest256, Engine};
use crate::memory::{Pages, Table, TableMut};
use crate::progress::Progress;
use chunks::ChunkFile;
use header::{CHUNK_ROWS, HEADER_BYTES, Header, HeaderError, Kind};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use work::{ChunksFound, build_missing, read_chunks};

/// A folder of light caches and datasets.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
}

/// A table, and how it came to be.
#[derive(Debug)]
pub struct Stored<T> {
    /// The light cache or dataset.
    pub value: T,
    /// Where its rows come from.
    pub origin: Origin,
    /// The file that holds it now.
    pub path: PathBuf,
}

/// Where the rows of a table come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// All from the file.
    Loaded,
    /// All or some were built now.
    Built {
        /// Rows that a file had already, from a build that was interrupted or a file that was damaged.
        resumed_rows: u64,
        /// What was wrong with the file that was there, if anything.
        damage: Option<Damage>,
    },
}

/// How a dataset is to be had.
#[derive(Debug, Clone, Copy)]
pub struct DatasetOptions {
    /// Pages of the memory that it is loaded into or built in.
    pub pages: Pages,
    /// Threads that build and check.
    pub threads: usize,
}

impl Store {
    /// The store in `directory`, which is made if it is missing.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let directory = directory.into();
        fs::create_dir_all(&directory).map_err(StoreError::io(&directory, "make the folder", 0))?;
        Ok(Self { directory })
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of a table, whether it is there or not.
    pub fn path(&self, kind: Kind, parameters: &Parameters) -> PathBuf {
        let seed = crate::hex::prefixed(&parameters.seed_hash[..8]);
        let size = match kind {
            Kind::LightCache => parameters.cache_rows,
            Kind::Dataset => parameters.dataset_items,
        };
        self.directory.join(format!("ethash-{}-v1-{}-{size}.bin", kind.name(), &seed[2..]))
    }

    /// The light cache for `parameters`: from its file, or built on this thread and kept.
    ///
    /// # Errors
    /// [`StoreError`] when there is no room for it, the files cannot be used, or a stop was asked for.
    pub fn light_cache(
        &self,
        parameters: &Parameters,
        progress: &Progress,
    ) -> Result<Stored<LightCache>, StoreError> {
        let kind = Kind::LightCache;
        let path = self.path(kind, parameters);
        let mut table = new_table(kind, parameters, Pages::Huge)?;
        let found = self.find(kind, parameters, table.rows_mut(), 1, progress)?;
        let seal = |table: TableMut| table.seal().map_err(StoreError::io(&path, "protect the memory of", 0));
        let (file, damage) = match found {
            Found::Whole => {
                let value = LightCache::from_table(parameters, seal(table)?);
                return Ok(Stored { value, origin: Origin::Loaded, path });
            }
            Found::Unfinished { file, damage, .. } => (file, damage),
        };
        LightCache::fill(table.rows_mut(), &parameters.seed_hash, progress)?;
        for (index, rows) in (0..).zip(table.rows_mut().chunks(CHUNK_ROWS as usize)) {
            file.write(index, rows)?;
        }
        self.finish(file, &path)?;
        let value = LightCache::from_table(parameters, seal(table)?);
        Ok(Stored { value, origin: Origin::Built { resumed_rows: 0, damage }, path })
    }

    /// The dataset of `cache`: from its file, or built by all threads and kept. `progress` counts items,
    /// loaded ones and built ones.
    ///
    /// Where memory is short for a copy of a whole file, the file itself is mapped, read-only.
    ///
    /// # Errors
    /// [`StoreError`] when there is no room for it, the files cannot be used, or a stop was asked for.
    pub fn dataset(
        &self,
        cache: &LightCache,
        options: DatasetOptions,
        progress: &Progress,
    ) -> Result<Stored<Dataset>, StoreError> {
        let parameters = cache.parameters();
        let kind = Kind::Dataset;
        let path = self.path(kind, parameters);
        if memory_is_short(kind, parameters).is_some()
            && let Some(table) = self.map_whole(kind, parameters, progress)?
        {
            let value = Dataset::from_table(parameters, table);
            return Ok(Stored { value, origin: Origin::Loaded, path });
        }
        let mut table = new_table(kind, parameters, options.pages)?;
        let origin = match self.find(kind, parameters, table.rows_mut(), options.threads, progress)? {
            Found::Whole => Origin::Loaded,
            Found::Unfinished { file, have, damage } => {
                let resumed_rows = progress.done();
                build_missing(cache, &file, &have, table.rows_mut(), options.threads, progress)?;
                self.finish(file, &path)?;
                Origin::Built { resumed_rows, damage }
            }
        };
        let table = table.seal().map_err(StoreError::io(&path, "protect the memory of", 0))?;
        Ok(Stored { value: Dataset::from_table(parameters, table), origin, path })
    }

    /// Looks for the finished file, then for an unfinished one; reads what is whole into `rows`. If not
    /// all is, gives the unfinished file, locked and with room reserved.
    fn find(
        &self,
        kind: Kind,
        parameters: &Parameters,
        rows: &mut [Row],
        threads: usize,
        progress: &Progress,
    ) -> Result<Found, StoreError> {
        let path = self.path(kind, parameters);
        let partial = partial_path(&path);
        let mut damage = None;
        progress.start(0, rows.len() as u64);
        match File::open(&path) {
            Ok(file) => {
                let read = read_file(file, &path, kind, parameters).and_then(|opened| match opened {
                    Ok((file, table)) => read_chunks(&file, &table, rows, threads, progress),
                    Err(damage) => Ok(ChunksFound { have: Vec::new(), damage: Some(damage) }),
                })?;
                if progress.is_stopped() {
                    return Err(BuildError::Stopped.into());
                }
                if read.damage.is_none() {
                    return Ok(Found::Whole);
                }
                damage = read.damage;
                fs::rename(&path, &partial).map_err(StoreError::io(&path, "rename", 0))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io(&path, "open", 0)(error)),
        }
        self.resume(kind, parameters, rows, threads, progress, damage)
    }

    /// Opens the unfinished file, or starts one.
    fn resume(
        &self,
        kind: Kind,
        parameters: &Parameters,
        rows: &mut [Row],
        threads: usize,
        progress: &Progress,
        damage: Option<Damage>,
    ) -> Result<Found, StoreError> {
        let path = partial_path(&self.path(kind, parameters));
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(StoreError::io(&path, "open", 0))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { path }),
            Err(TryLockError::Error(source)) => return Err(StoreError::io(&path, "lock", 0)(source)),
        }
        let header = Header::new(kind, parameters);
        let known = file.metadata().map_err(StoreError::io(&path, "read", 0))?.len();
        room::check_disk(&path, &self.directory, header.file_bytes().saturating_sub(known))?;

        let mut start = [0; HEADER_BYTES];
        let file = ChunkFile { file, path, header };
        let usable =
            file.file.read_exact_at(&mut start, 0).is_ok() && Header::parse(&start, kind, parameters).is_ok();
        progress.start(0, rows.len() as u64);
        if !usable {
            file.file.set_len(0).map_err(StoreError::io(&file.path, "empty", 0))?;
        }
        room::reserve(&file.file, header.file_bytes()).map_err(StoreError::io(
            &file.path,
            "reserve room for",
            header.file_bytes(),
        ))?;
        file.write_header()?;
        let table = file.read_table()?;
        let found = read_chunks(&file, &table, rows, threads, progress)?;
        Ok(Found::Unfinished { file, have: found.have, damage })
    }

    /// Maps a finished file, if there is one and all of it has its digests.
    fn map_whole(
        &self,
        kind: Kind,
        parameters: &Parameters,
        progress: &Progress,
    ) -> Result<Option<Table>, StoreError> {
        let path = self.path(kind, parameters);
        let Ok(file) = File::open(&path) else { return Ok(None) };
        let Ok((file, table)) = read_file(file, &path, kind, parameters)? else { return Ok(None) };
        let start = usize::try_from(file.header.rows_start()).unwrap_or(usize::MAX);
        // SAFETY: the file is this program's own; it is replaced by renaming and never written in place
        // once it has its final name.
        let mapped = unsafe { Table::map_file(&file.file, start, file.header.rows() as usize) };
        let Ok(mapped) = mapped else { return Ok(None) };
        progress.start(0, mapped.rows().len() as u64);
        for (rows, expected) in mapped.rows().chunks(CHUNK_ROWS as usize).zip(&table) {
            if chunks::digest(rows) != *expected {
                return Ok(None);
            }
            progress.add(rows.len() as u64);
        }
        Ok(Some(mapped))
    }

    /// Brings a file whose chunks are all there to the disk, and gives it its name.
    fn finish(&self, mut file: ChunkFile, path: &Path) -> Result<(), StoreError> {
        let table = file.read_table()?;
        file.sync()?;
        file.header.table_digest = Some(table_digest(&table));
        file.write_header()?;
        file.sync()?;
        fs::rename(&file.path, path).map_err(StoreError::io(path, "rename", 0))?;
        let directory = File::open(&self.directory).and_then(|directory| directory.sync_all());
        directory.map_err(StoreError::io(&self.directory, "write", 0))
    }
}

/// What was found on disk.
enum Found {
    /// All rows, checked.
    Whole,
    /// A file to go on with, and which of its chunks are there.
    Unfinished { file: ChunkFile, have: Vec<bool>, damage: Option<Damage> },
}

fn partial_path(path: &Path) -> PathBuf {
    path.with_extension("bin.partial")
}

fn table_digest(table: &[Digest256]) -> Digest256 {
    Engine::best().keccak256(table.as_flattened())
}

fn memory_is_short(kind: Kind, parameters: &Parameters) -> Option<StoreError> {
    let needed_bytes = u64::from(Header::new(kind, parameters).rows()) * 64;
    let available_bytes = available_memory_bytes()?;
    (needed_bytes > available_bytes).then_some(StoreError::MemoryShort {
        what: kind.name(),
        needed_bytes,
        available_bytes,
    })
}

fn new_table(kind: Kind, parameters: &Parameters, pages: Pages) -> Result<TableMut, StoreError> {
    if let Some(error) = memory_is_short(kind, parameters) {
        return Err(error);
    }
    let rows = Header::new(kind, parameters).rows();
    Ok(TableMut::new(rows as usize, pages).map_err(|source| BuildError::Memory {
        what: kind.name(),
        bytes: u64::from(rows) * 64,
        source,
    })?)
}

/// Reads header and table of digests of a finished file.
fn read_file(
    file: File,
    path: &Path,
    kind: Kind,
    parameters: &Parameters,
) -> Result<Result<(ChunkFile, Vec<Digest256>), Damage>, StoreError> {
    let mut start = [0; HEADER_BYTES];
    match file.read_exact_at(&mut start, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Ok(Err(HeaderError::Short.into()));
        }
        Err(error) => return Err(StoreError::io(path, "read", 0)(error)),
    }
    let header = match Header::parse(&start, kind, parameters) {
        Ok(header) => header,
        Err(error) => return Ok(Err(error.into())),
    };
    let file = ChunkFile { file, path: path.to_owned(), header };
    match file.read_table() {
        Ok(table) if header.table_digest == Some(table_digest(&table)) => Ok(Ok((file, table))),
        _ => Ok(Err(Damage::Table)),
    }
}

#[cfg(test)]
mod tests;
