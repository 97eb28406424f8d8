//! What the writers of all formats share.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::person::{Person, World};
use crate::error::DatasetError;

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SynthFormat {
    /// Synthea's CSV export.
    SyntheaCsv,
    /// FHIR R4 Bulk Data NDJSON.
    FhirNdjson,
    /// OMOP CDM 5.3 as CSV.
    Omop53,
    /// OMOP CDM 5.4 as CSV.
    Omop54,
    /// The canonical tables as Parquet.
    Parquet,
    /// A clinic's SQLite database in a schema of its own (`clinic.sqlite`), and its mapping (`clinic.toml`).
    Sqlite,
}

/// A writer of one format. What a chunk becomes is made in parallel, and written in order.
pub(super) trait Writer {
    type Encoded: Send;
    fn encode(format: SynthFormat, world: &World, persons: &[Person]) -> Result<Self::Encoded, DatasetError>;
    fn write(&mut self, encoded: Self::Encoded) -> Result<(), DatasetError>;
    fn finish(self) -> Result<(), DatasetError>;
}

/// Text files that grow chunk by chunk: what the three text formats share.
pub(super) struct TextFiles {
    files: Vec<(PathBuf, BufWriter<File>)>,
}

impl TextFiles {
    /// Creates the files, each with its first line.
    pub(super) fn create(folder: &Path, files: &[(&str, &str)]) -> Result<Self, DatasetError> {
        let create = |(name, header): &(&str, &str)| {
            let path = folder.join(name);
            let mut file = BufWriter::new(File::create(&path).map_err(DatasetError::io(&path))?);
            if !header.is_empty() {
                writeln!(file, "{header}").map_err(DatasetError::io(&path))?;
            }
            Ok((path, file))
        };
        Ok(Self { files: files.iter().map(create).collect::<Result<_, DatasetError>>()? })
    }

    /// Appends a text to each file, in the order in which they were created.
    pub(super) fn append(&mut self, texts: &[String]) -> Result<(), DatasetError> {
        for ((path, file), text) in self.files.iter_mut().zip(texts) {
            file.write_all(text.as_bytes()).map_err(DatasetError::io(path))?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), DatasetError> {
        for (path, mut file) in self.files {
            file.flush().map_err(DatasetError::io(&path))?;
        }
        Ok(())
    }
}

/// Writes a line of a text file. Writing to memory cannot fail.
macro_rules! line {
    ($text:expr, $($argument:tt)*) => {{
        use std::fmt::Write as _;
        _ = writeln!($text, $($argument)*);
    }};
}
pub(super) use line;
