//! Canonical folders as the anonymizer's source of records.
//!
//! The two rooms do not know each other; this file is their seam. It also reads the public list of
//! organisations, which is the only table that a plan may look at.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int32Type;
use medrec_anonymizer::AnonymizerError;
use medrec_anonymizer::records::{Each, Records};
use medrec_datasets::{DatasetError, Folder, Part};
use medrec_domain::schema::Table;
use medrec_domain::workload::cells::PublicOrganisation;

/// The parts of a canonical folder.
pub struct FolderRecords {
    parts: BTreeMap<Table, Vec<Part>>,
}

impl FolderRecords {
    /// Looks up the parts of every table.
    ///
    /// # Errors
    /// What opening the files reports.
    pub fn open(folder: &Folder) -> Result<Self, DatasetError> {
        let mut parts = BTreeMap::new();
        for table in Table::ALL {
            parts.insert(table, folder.parts(table)?);
        }
        Ok(Self { parts })
    }

    fn of(&self, table: Table) -> &[Part] {
        self.parts.get(&table).map_or(&[], Vec::as_slice)
    }

    /// Rows of a table.
    pub fn count(&self, table: Table) -> u64 {
        self.of(table).iter().map(|part| part.rows).sum()
    }
}

fn failed(error: DatasetError) -> AnonymizerError {
    match error {
        DatasetError::Stopped => AnonymizerError::Stopped,
        other => AnonymizerError::Records(Box::new(other)),
    }
}

impl Records for FolderRecords {
    fn parts(&self, table: Table) -> Result<usize, AnonymizerError> {
        Ok(self.of(table).len())
    }

    fn rows(&self, table: Table) -> Result<u64, AnonymizerError> {
        Ok(self.count(table))
    }

    fn scan(
        &self,
        table: Table,
        part: usize,
        columns: &[&'static str],
        each: &mut Each<'_>,
    ) -> Result<(), AnonymizerError> {
        let Some(part) = self.of(table).get(part) else { return Ok(()) };
        for batch in part.batches(columns).map_err(failed)? {
            each(&batch.map_err(failed)?)?;
        }
        Ok(())
    }
}

/// The public list of organisations of a canonical folder.
///
/// # Errors
/// What reading the table reports.
pub fn organisations(folder: &Folder) -> Result<Vec<PublicOrganisation>, DatasetError> {
    let mut organisations = Vec::new();
    for batch in folder.batches(Table::Organisation, &["organisation_id", "nation", "region"])? {
        add_organisations(&batch?, &mut organisations);
    }
    Ok(organisations)
}

/// Adds the organisations of a batch of the canonical table.
pub fn add_organisations(batch: &RecordBatch, organisations: &mut Vec<PublicOrganisation>) {
    let words = |name: &str| -> Vec<Option<String>> {
        let Some(column) = batch.column_by_name(name) else { return vec![None; batch.num_rows()] };
        let column = column.as_dictionary::<Int32Type>();
        let values = column.values().as_string::<i32>();
        (0..column.len()).map(|row| column.key(row).map(|key| values.value(key).to_owned())).collect()
    };
    let (nations, regions) = (words("nation"), words("region"));
    for ((id, nation), region) in words("organisation_id").into_iter().zip(nations).zip(regions) {
        organisations.extend(id.map(|id| PublicOrganisation { id, nation, region }));
    }
}
