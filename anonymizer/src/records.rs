//! Where rows come from: the canonical tables as Arrow batches.
//!
//! A source is split into parts that can be scanned independently and in any order, as often as
//! asked. What is released never depends on that order: sums are of integers, and which rows of a
//! person count is decided by a keyed hash of the rows themselves.

use arrow_array::RecordBatch;
use medrec_domain::schema::Table;

use crate::error::AnonymizerError;

/// Takes one batch with the columns asked for, by name.
pub type Each<'a> = dyn FnMut(&RecordBatch) -> Result<(), AnonymizerError> + 'a;

/// A source of canonical tables (columns and types as in the domain's schema).
pub trait Records: Sync {
    /// Number of parts of a table.
    ///
    /// # Errors
    /// [`AnonymizerError::Records`].
    fn parts(&self, table: Table) -> Result<usize, AnonymizerError>;

    /// Rows of a table, exactly or too many; it decides only how much memory a pass takes.
    ///
    /// # Errors
    /// [`AnonymizerError::Records`].
    fn rows(&self, table: Table) -> Result<u64, AnonymizerError>;

    /// Scans one part.
    ///
    /// # Errors
    /// [`AnonymizerError::Records`], and what `each` returns.
    fn scan(
        &self,
        table: Table,
        part: usize,
        columns: &[&'static str],
        each: &mut Each<'_>,
    ) -> Result<(), AnonymizerError>;
}

/// Who watches long work. All methods may be called from several threads.
pub trait Progress: Sync {
    /// A stage begins: `total` units of work if known.
    fn stage(&self, name: &str, total: Option<u64>);
    /// Units of the stage are done.
    fn advance(&self, units: u64);
    /// Whether the work should stop.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Nobody watches.
impl Progress for () {
    fn stage(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}
