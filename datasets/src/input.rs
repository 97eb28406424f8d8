//! Files of a source: found by name, opened plain, gzipped or zstandard-compressed.
//!
//! Compression is decided by the file's name and checked by the decoder. Nothing is read whole:
//! everything here is a stream.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::error::DatasetError;

/// Big enough that the system call no longer shows, small enough for one cache.
const BUFFER_BYTES: usize = 1 << 18;

/// Names that a file `name` may have.
const COMPRESSIONS: [&str; 3] = ["", ".gz", ".zst"];

/// A file of a source.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// File name without its folder, for messages. The suffix of a compression is left out, since
    /// lines are counted in what was compressed.
    pub(crate) name: String,
}

impl Input {
    fn at(path: PathBuf) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let plain = COMPRESSIONS[1..].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name);
        Self { name: plain.to_owned(), path }
    }

    /// A source that is no file; `name` is for messages.
    pub(crate) fn named(name: &str) -> Self {
        Self { path: PathBuf::new(), name: name.to_owned() }
    }

    /// The file `name` in `folder`, plain or compressed.
    pub(crate) fn find(folder: &Path, name: &str) -> Option<Self> {
        let candidates = COMPRESSIONS.iter().map(|suffix| folder.join(format!("{name}{suffix}")));
        candidates.into_iter().find(|path| path.is_file()).map(Self::at)
    }

    /// As [`Self::find`], for files that the format cannot do without.
    pub(crate) fn require(folder: &Path, name: &str) -> Result<Self, DatasetError> {
        if !folder.is_dir() {
            let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "is not a folder");
            return Err(DatasetError::io(folder)(missing));
        }
        Self::find(folder, name)
            .ok_or_else(|| DatasetError::MissingFile { folder: folder.to_path_buf(), file: name.to_owned() })
    }

    /// All parts of `stem` in `folder`, by name: `Patient.ndjson`, `Patient.000.ndjson.gz`,
    /// `Patient-2.ndjson`, but not `PatientExtra.ndjson`.
    pub(crate) fn parts(folder: &Path, stem: &str, extension: &str) -> Result<Vec<Self>, DatasetError> {
        let mut parts = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(DatasetError::io(folder))? {
            let path = entry.map_err(DatasetError::io(folder))?.path();
            let input = Self::at(path);
            let middle = input.name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(extension));
            if middle.is_some_and(|middle| !middle.starts_with(char::is_alphabetic)) && input.path.is_file() {
                parts.push(input);
            }
        }
        parts.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(parts)
    }

    /// Size on disk in bytes; 0 if the system does not say.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.path.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Opens it for reading, decompressed.
    pub(crate) fn open(&self) -> Result<Box<dyn BufRead + Send>, DatasetError> {
        let file = File::open(&self.path).map_err(DatasetError::io(&self.path))?;
        let file = BufReader::with_capacity(BUFFER_BYTES, file);
        let extension = self.path.extension().and_then(|extension| extension.to_str());
        Ok(match extension {
            Some("gz") => {
                Box::new(BufReader::with_capacity(BUFFER_BYTES, flate2::bufread::MultiGzDecoder::new(file)))
            }
            Some("zst") => {
                let decoder =
                    zstd::stream::read::Decoder::with_buffer(file).map_err(DatasetError::io(&self.path))?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
            }
            _ => Box::new(file),
        })
    }
}
