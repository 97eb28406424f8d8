//! The files of a bundle in memory, by path, and the limits within which strange ones are read.

use std::collections::BTreeMap;

use crate::error::AnonymizerError;

/// Bytes of each file by its path with `/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The manifest.
pub(super) const MANIFEST: &str = "manifest.json";
/// The signature.
pub(super) const SIGNATURE: &str = "signature.json";
/// The query.
pub(super) const WORKLOAD: &str = "workload.json";

/// Folder of the tables.
pub(super) const TABLES: &str = "tables/";

/// Path of a table's file, such as `tables/population.raw.csv`.
pub(super) fn table_path(table: &str, kind: &str) -> String {
    format!("{TABLES}{table}.{kind}")
}

/// How much a reader takes in of a bundle that it does not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together, unpacked.
    pub bytes: u64,
    /// Number of files.
    pub files: usize,
}

/// Half a GiB holds the census of a country's organisations; a small file that unpacks to more is an attack.
impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 512 << 20, files: 1000 }
    }
}

/// Collects files within limits.
pub(super) struct Collector {
    limits: Limits,
    bytes: u64,
    files: Files,
}

impl Collector {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, bytes: 0, files: Files::new() }
    }

    /// Bytes that may still come.
    pub(super) fn left(&self) -> u64 {
        self.limits.bytes.saturating_sub(self.bytes)
    }

    /// Takes a file in.
    ///
    /// # Errors
    /// [`AnonymizerError::Bundle`] for a path that is not plain or comes twice, and past the limits.
    pub(super) fn add(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), AnonymizerError> {
        if !is_plain(path) {
            return Err(AnonymizerError::bundle(format!("{path:?}"), "is not a path inside a bundle"));
        }
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.bytes > self.limits.bytes {
            return Err(AnonymizerError::bundle(
                path,
                format!("the bundle holds more than {} bytes", self.limits.bytes),
            ));
        }
        if self.files.insert(path.to_owned(), bytes).is_some() {
            return Err(AnonymizerError::bundle(path, "is there twice"));
        }
        if self.files.len() > self.limits.files {
            return Err(AnonymizerError::bundle(
                path,
                format!("the bundle holds more than {} files", self.limits.files),
            ));
        }
        Ok(())
    }

    pub(super) fn into_files(self) -> Files {
        self.files
    }
}

/// Whether a path is one that this format writes: plain words joined by `/`, nothing that climbs.
pub(super) fn is_plain(path: &str) -> bool {
    let word = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    path.len() <= 200 && path.split('/').all(word)
}
