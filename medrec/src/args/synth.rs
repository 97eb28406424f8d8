//! Arguments of `medrec synth`, as the user types them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use medrec_datasets::synth::SynthFormat;

/// Arguments of `medrec synth`.
#[derive(Debug, Args)]
pub(crate) struct SynthArguments {
    /// Folder to write; created when it does not exist.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Persons.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) persons: u64,
    /// Seed: the same arguments give the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Provider organisations.
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(crate) organisations: u32,
    /// First calendar year of the records.
    #[arg(long, value_name = "YEAR", default_value_t = 2020)]
    pub(crate) first_year: i32,
    /// Years of records, from January of the first.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) years: u16,
    /// Format.
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) format: SynthFormatArgument,
    /// Write into a folder that holds something already: files of the same name are replaced.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SynthFormatArgument {
    /// Synthea's CSV export.
    SyntheaCsv,
    /// FHIR R4 Bulk Data NDJSON.
    FhirNdjson,
    /// OMOP CDM 5.4 as CSV.
    Omop,
    /// OMOP CDM 5.3 as CSV.
    #[value(name = "omop-5.3")]
    Omop53,
    /// The canonical tables as Parquet.
    Parquet,
    /// A clinic's SQLite database in a schema of its own, with its mapping.
    Sqlite,
}

impl SynthFormatArgument {
    /// The library's word for it.
    pub(crate) fn format(self) -> SynthFormat {
        match self {
            Self::SyntheaCsv => SynthFormat::SyntheaCsv,
            Self::FhirNdjson => SynthFormat::FhirNdjson,
            Self::Omop => SynthFormat::Omop54,
            Self::Omop53 => SynthFormat::Omop53,
            Self::Parquet => SynthFormat::Parquet,
            Self::Sqlite => SynthFormat::Sqlite,
        }
    }
}
