//! The records as releases want them: everybody's, as a canonical folder.

use std::path::PathBuf;
use std::sync::Arc;

use medrec_datasets::{Folder, RecordSource};

use crate::rewards::{RecordStore, SourceError};

/// Converts the source anew for each release, so that a release is about the records of its day.
pub(crate) struct Converted {
    /// The source.
    pub(crate) source: Arc<RecordSource>,
    /// Where the canonical tables lie.
    pub(crate) folder: PathBuf,
}

impl RecordStore for Converted {
    fn folder(&self) -> Result<Folder, SourceError> {
        let (folder, _) = self.source.convert(&self.folder, &())?;
        Ok(folder)
    }
}
