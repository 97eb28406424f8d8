//! Records of any format as canonical tables.
//!
//! Canonical Parquet is scanned where it lies; every other format is converted first, into a folder of the ledger
//! that is deleted at the end. A dry run keeps the public list of organisations and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use arrow_array::RecordBatch;
use medrec_datasets::{DatasetError, Folder, Format, Mapping, OnBadRow, ReadOptions, ReadReport, Sink};
use medrec_datasets::{Progress, PseudonymKey};
use medrec_domain::schema::Table;
use medrec_domain::workload::cells::{PublicOrganisation, Window};
use medrec_gatekeeper::rewards::{add_organisations, organisations};

use crate::args::{AnonymizeArguments, FormatArgument, OnBadRowArgument};

/// How the records are read.
pub(super) struct Source {
    pub(super) folder: PathBuf,
    pub(super) format: Format,
    pub(super) options: ReadOptions,
}

impl Source {
    pub(super) fn new(
        arguments: &AnonymizeArguments,
        window: Window,
        key: PseudonymKey,
    ) -> anyhow::Result<Self> {
        let as_of = window.until.plus_days(-1).unwrap_or(window.from);
        let options = ReadOptions {
            on_bad_row: match arguments.on_bad_row {
                OnBadRowArgument::Fail => OnBadRow::Fail,
                OnBadRowArgument::Skip => OnBadRow::Skip,
            },
            synthetic_sites: arguments.synthetic_sites,
            ..ReadOptions::new(key, as_of)
        };
        Ok(Self { folder: arguments.data.clone(), format: format(arguments)?, options })
    }

    /// The tables: where they lie, or converted into `scratch`.
    pub(super) fn open(
        &self,
        scratch: &Path,
        progress: &dyn Progress,
    ) -> anyhow::Result<(Folder, Option<ReadReport>)> {
        if matches!(self.format, Format::Parquet) {
            return Ok((Folder::open(&self.folder)?, None));
        }
        let (folder, report) =
            medrec_datasets::convert(&self.folder, &self.format, &self.options, scratch, progress)?;
        Ok((folder, Some(report)))
    }

    /// The public list of organisations. Formats that name organisations in encounters only are read whole for
    /// it; no other row is kept or counted.
    pub(super) fn organisations(&self) -> anyhow::Result<Vec<PublicOrganisation>> {
        if matches!(self.format, Format::Parquet) {
            return Ok(organisations(&Folder::open(&self.folder)?)?);
        }
        let mut sink = Organisations::default();
        medrec_datasets::read(&self.folder, &self.format, &self.options, &mut sink, &())?;
        Ok(sink.0)
    }
}

/// Takes organisations and drops everything else.
#[derive(Default)]
struct Organisations(Vec<PublicOrganisation>);

impl Sink for Organisations {
    fn write(&mut self, table: Table, batch: &RecordBatch) -> Result<(), DatasetError> {
        if table == Table::Organisation {
            add_organisations(batch, &mut self.0);
        }
        Ok(())
    }
}

fn format(arguments: &AnonymizeArguments) -> anyhow::Result<Format> {
    Ok(match arguments.format {
        FormatArgument::SyntheaCsv => Format::SyntheaCsv,
        FormatArgument::FhirNdjson => Format::FhirNdjson,
        FormatArgument::Omop => Format::Omop,
        FormatArgument::Parquet => Format::Parquet,
        FormatArgument::Table => {
            let path = arguments.mapping.as_deref().unwrap_or_else(|| Path::new("mapping.toml"));
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Format::Table(Box::new(Mapping::parse(&path.display().to_string(), &text)?))
        }
    })
}
