//! What a reader reports when it has finished.

use std::collections::BTreeMap;

use medrec_domain::schema::Table;

use crate::error::BadRow;

/// What a reader did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Rows read from each file, broken ones included.
    pub rows_read: BTreeMap<String, u64>,
    /// Rows written to each table.
    pub rows_written: BTreeMap<Table, u64>,
    /// Broken rows of each file that were left out.
    pub rows_skipped: BTreeMap<String, u64>,
    /// The first broken rows, up to 100 of each file.
    pub bad_rows: Vec<BadRow>,
    /// Optional files that were not there.
    pub missing_files: Vec<String>,
}
