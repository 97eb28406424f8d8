//! Arguments of `medrec anonymize` and `medrec verify`, as the user types them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use medrec_domain::{CalendarDate, Rho};

/// Arguments of `medrec anonymize`.
#[derive(Debug, Args)]
pub(crate) struct AnonymizeArguments {
    /// Folder with the records.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Their format.
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) format: FormatArgument,
    /// Mapping file of `--format table`.
    #[arg(long, value_name = "FILE", required_if_eq("format", "table"))]
    pub(crate) mapping: Option<PathBuf>,
    /// What to release: `census`, the name of a query of the catalogue, or a workload file.
    #[arg(long, value_name = "NAME|FILE", default_value = "census")]
    pub(crate) workload: String,
    #[command(flatten)]
    pub(crate) budget: BudgetArguments,
    /// Folder of the bundle; must not exist yet.
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    pub(crate) out: Option<PathBuf>,
    /// Who shares what: one JSON document a line, `{"person": ID, "scope": {…}}`. Without the file every person's record
    /// counts, on the data holder's own authority.
    #[arg(long, value_name = "FILE")]
    pub(crate) consents: Option<PathBuf>,
    /// First day that counts; ten years before the last when absent.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<CalendarDate>,
    /// First day that no longer counts; the first of this year when absent.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<CalendarDate>,
    /// Folder of the privacy ledger and its keys; the data folder's name with `.ledger` when absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) ledger: Option<PathBuf>,
    /// Most that the data may ever cost, in rho; fixed when the ledger is made.
    #[arg(long, value_name = "RHO", default_value = "1")]
    pub(crate) cap: Rho,
    /// What to do with a broken row.
    #[arg(long, value_name = "DO", value_enum, default_value_t = OnBadRowArgument::Fail)]
    pub(crate) on_bad_row: OnBadRowArgument,
    /// For records without organisations: spread persons over this many sites.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) synthetic_sites: u32,
    /// Who releases, for the manifest.
    #[arg(long, value_name = "NAME", default_value = "not stated")]
    pub(crate) publisher: String,
    /// Memory for records under way, in mebibytes; less memory takes more passes.
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub(crate) memory: u64,
    /// Say what would be released at what cost and expected error, from public information only. Nothing is
    /// charged.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What a release may cost.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct BudgetArguments {
    /// Privacy loss in rho-zCDP, such as 1/2 or 0.015.
    #[arg(long, value_name = "RHO", conflicts_with_all = ["epsilon", "delta"])]
    pub(crate) rho: Option<Rho>,
    /// Privacy loss as epsilon: pure, or with `--delta` whichever of both noises errs less.
    #[arg(long, value_name = "EPSILON")]
    pub(crate) epsilon: Option<Rho>,
    /// Delta that goes with epsilon, such as 0.0000001.
    #[arg(long, value_name = "DELTA", requires = "epsilon")]
    pub(crate) delta: Option<Rho>,
}

/// Formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArgument {
    /// Synthea's CSV export.
    SyntheaCsv,
    /// FHIR R4 Bulk Data NDJSON.
    FhirNdjson,
    /// OMOP CDM 5.3 or 5.4 as CSV.
    Omop,
    /// The canonical tables as Parquet.
    Parquet,
    /// One flat CSV file, described by `--mapping`.
    Table,
}

/// What to do with a broken row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnBadRowArgument {
    /// Stop and name it.
    Fail,
    /// Leave it out and count it.
    Skip,
}

/// Arguments of `medrec verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The bundle: a folder or a `.tar.zst`.
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
    /// Who has to have signed it.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) signer: Option<medrec_domain::identifier::Address>,
    /// Refuse an unsigned bundle.
    #[arg(long)]
    pub(crate) require_signature: bool,
    /// URLs of nodes: hold the bundle against the chain too.
    #[arg(long = "node", value_name = "URL", value_delimiter = ',', requires = "network")]
    pub(crate) nodes: Vec<String>,
    /// Network file of that chain.
    #[arg(long, value_name = "FILE", requires = "nodes")]
    pub(crate) network: Option<PathBuf>,
}
