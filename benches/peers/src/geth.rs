//! go-ethereum 1.11.6, the last release that mines: `geth makecache` and `geth makedag`, timed from outside.
//!
//! The process's start (some 0.1 s) is part of its figure, and makes it look that much slower; the
//! whole dataset takes minutes and is asked for only in a full run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use medrec_benches::BenchError;
use medrec_benches::definition::expect_answer;
use medrec_benches::harness::{Contender, Identity, Origin, Sample};
use medrec_kernels::ethash::{LightCache, Row, reference};

use crate::sources::Absent;

/// Its name in tables.
pub(crate) const NAME: &str = "geth 1.11.6";
/// The magic number that geth puts before the words of its files.
const MAGIC_BYTES: usize = 8;

/// The binary that `MEDREC_GETH` names.
pub(crate) fn binary() -> Result<PathBuf, Absent> {
    let hint = "set MEDREC_GETH to a geth binary of release 1.11.6 or before (later ones cannot mine)";
    let path = std::env::var_os("MEDREC_GETH").map(PathBuf::from);
    let path = path.ok_or_else(|| Absent { reason: "MEDREC_GETH is not set".to_owned(), hint })?;
    let output = Command::new(&path).arg("makecache").arg("--help").output();
    match output {
        Ok(output) if output.status.success() => Ok(path),
        Ok(_) => Err(Absent { reason: format!("{} knows no makecache", path.display()), hint }),
        Err(error) => Err(Absent { reason: format!("cannot start {}: {error}", path.display()), hint }),
    }
}

/// What geth makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// The light cache of epoch 0, on one thread.
    LightCache,
    /// The whole dataset of epoch 0, on this many threads.
    Dataset(usize),
}

/// geth at work.
pub(crate) struct Geth<'c> {
    pub(crate) binary: PathBuf,
    pub(crate) product: Product,
    pub(crate) cache: &'c LightCache,
    /// An empty folder for its files.
    pub(crate) folder: PathBuf,
}

impl Geth<'_> {
    fn failed(reason: String) -> BenchError {
        BenchError::Contender { contender: NAME.to_owned(), reason }
    }

    /// Makes the file anew and gives the wall time.
    fn make(&self) -> Result<f64, BenchError> {
        let io = |source| BenchError::Io { path: self.folder.clone(), source };
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder).map_err(io)?;
        }
        std::fs::create_dir_all(&self.folder).map_err(io)?;
        let (command, threads) = match self.product {
            Product::LightCache => ("makecache", 1),
            Product::Dataset(threads) => ("makedag", threads),
        };
        let start = Instant::now();
        let output = Command::new(&self.binary)
            .args([command, "0"])
            .arg(&self.folder)
            .env("GOMAXPROCS", threads.to_string())
            .output()
            .map_err(|error| Self::failed(error.to_string()))?;
        let seconds = start.elapsed().as_secs_f64();
        if output.status.success() {
            return Ok(seconds);
        }
        Err(Self::failed(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// The first and last rows that must stand in its file.
    fn expected_ends(&self) -> [Row; 2] {
        match self.product {
            Product::LightCache => {
                let rows = self.cache.rows();
                [rows[0], rows[rows.len() - 1]]
            }
            Product::Dataset(_) => {
                [self.cache.item(0), self.cache.item(self.cache.parameters().dataset_items - 1)]
            }
        }
    }
}

impl Contender for Geth<'_> {
    fn identity(&self) -> Identity {
        let (measure, unit, threads) = match self.product {
            Product::LightCache => ("light-cache", "row", 1),
            Product::Dataset(threads) => ("dataset", "item", threads),
        };
        Identity {
            engine: NAME.to_owned(),
            origin: Origin::Peer,
            measure: measure.to_owned(),
            unit: unit.to_owned(),
            threads,
            pages: None,
        }
    }

    fn check(&mut self) -> Result<String, BenchError> {
        self.make()?;
        let bytes = read_only_file(&self.folder)?;
        let rows = bytes.get(MAGIC_BYTES..).unwrap_or_default().as_chunks::<64>().0;
        let [first, last] = self.expected_ends().map(|row| reference::bytes_of(&row));
        let (Some(made_first), Some(made_last)) = (rows.first(), rows.last()) else {
            return Err(Self::failed("its file is empty".to_owned()));
        };
        expect_answer(NAME, "the first row of its file", &first, made_first)?;
        expect_answer(NAME, "the last row of its file", &last, made_last)?;
        Ok("first and last row of its file against medrec's".to_owned())
    }

    fn sample(&mut self, _seconds: f64) -> Result<Sample, BenchError> {
        let parameters = self.cache.parameters();
        let units = match self.product {
            Product::LightCache => parameters.cache_rows,
            Product::Dataset(_) => parameters.dataset_items,
        };
        Ok(Sample { work: u64::from(units), wall_seconds: self.make()?, ..Sample::default() })
    }
}

/// The largest file of a folder: geth names it by revision and seed hash.
fn read_only_file(folder: &Path) -> Result<Vec<u8>, BenchError> {
    let io = |source| BenchError::Io { path: folder.to_owned(), source };
    let mut files: Vec<(u64, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        files.push((entry.metadata().map_err(io)?.len(), entry.path()));
    }
    let (_, path) = files.into_iter().max().ok_or_else(|| Geth::failed("it made no file".to_owned()))?;
    std::fs::read(&path).map_err(|source| BenchError::Io { path, source })
}
