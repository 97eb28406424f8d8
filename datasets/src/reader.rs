//! Readers: from a source's files to the canonical tables.
//!
//! One reader for each format, siblings of one shape; what they share lies beside them: records with
//! line numbers (`record`), the ordered parallel pipeline (`pipeline`), joins by pseudonym (`joins`)
//! and the stages that every source goes through (`session`). Readers know neither consent nor
//! privacy budgets nor chains; they decide what a record *is* and keep out who it is about.

mod fhir;
mod flat;
mod joins;
mod omop;
mod output;
mod parquet;
mod pipeline;
mod record;
mod report;
mod session;
mod sql;
mod synthea;

use std::path::Path;

pub use flat::Mapping;
pub use report::ReadReport;
pub(crate) use sql::SqlReader;
pub use sql::{DatabaseUrl, SqlMapping};

use crate::error::DatasetError;
use crate::folder::{Folder, FolderWriter, Sink};
use crate::options::{Progress, ReadOptions};

/// A format of health records.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Format {
    /// The CSV export of Synthea: `patients.csv`, `encounters.csv`, …
    SyntheaCsv,
    /// FHIR R4 Bulk Data: `Patient.ndjson`, `Encounter.ndjson`, …
    FhirNdjson,
    /// OMOP Common Data Model 5.3 or 5.4 as CSV: `person.csv`, `visit_occurrence.csv`, …
    Omop,
    /// The canonical tables as Parquet: `person.parquet` or `person/*.parquet`, …
    Parquet,
    /// One flat CSV file, described by a mapping.
    Table(Box<Mapping>),
}

/// Reads the records in `folder` into `sink`.
///
/// Output depends on the input and the options alone: not on the number of threads, the clock or the
/// machine. Memory is bounded by a few chunks of rows plus 9 bytes for each person and 13 for each
/// encounter.
///
/// # Privacy
/// No direct identifier reaches the sink: rows have no place for one, ids are keyed pseudonyms,
/// words come from closed lists, codes have the form of codes (docs/DATA.md).
///
/// # Errors
/// [`DatasetError`]; with [`OnBadRow::Fail`](crate::OnBadRow::Fail) the first broken row of the
/// source is one.
pub fn read(
    folder: &Path,
    format: &Format,
    options: &ReadOptions,
    sink: &mut dyn Sink,
    progress: &dyn Progress,
) -> Result<ReadReport, DatasetError> {
    let mut session = session::Session::new(folder, options, sink, progress);
    match format {
        Format::SyntheaCsv => synthea::read(&mut session)?,
        Format::FhirNdjson => fhir::read(&mut session)?,
        Format::Omop => omop::read(&mut session)?,
        Format::Table(mapping) => flat::read(&mut session, mapping)?,
        Format::Parquet => parquet::read(&mut session)?,
    }
    session.finish()
}

/// As [`convert`], from a database.
pub(crate) fn convert_database(
    database: &SqlReader,
    options: &ReadOptions,
    out: &Path,
    progress: &dyn Progress,
) -> Result<(Folder, ReadReport), DatasetError> {
    let mut writer = FolderWriter::create(out)?;
    let mut session = session::Session::new(Path::new(""), options, &mut writer, progress);
    database.read(&mut session)?;
    let report = session.finish()?;
    Ok((writer.finish()?, report))
}

/// Reads the records in `folder` and writes a canonical folder at `out`.
///
/// # Errors
/// As [`read`]; what was written by then is not a whole folder.
pub fn convert(
    folder: &Path,
    format: &Format,
    options: &ReadOptions,
    out: &Path,
    progress: &dyn Progress,
) -> Result<(Folder, ReadReport), DatasetError> {
    let mut writer = FolderWriter::create(out)?;
    let report = read(folder, format, options, &mut writer, progress)?;
    Ok((writer.finish()?, report))
}
