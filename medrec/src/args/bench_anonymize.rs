//! Arguments of `medrec bench anonymize`, as the user types them.

use std::path::PathBuf;

use clap::Args;
use medrec_benches::definition::anonymize::DEFAULT_SEED;

/// Arguments of `medrec bench anonymize`.
#[derive(Debug, Args)]
pub(crate) struct BenchAnonymizeArguments {
    /// Rows of the generated table.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub(crate) rows: u64,
    /// Seed of the generated rows; the noise has none.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// Folder of the generated rows, kept and used again; a passing one when absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Releases that are measured, after one that is checked.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) samples: u32,
    /// Write the record to `<record-dir>/<device>/<time>-anonymize.json` too.
    #[arg(long)]
    pub(crate) save: bool,
    /// Folder of saved records.
    #[arg(long, value_name = "DIR", default_value = "benches/record")]
    pub(crate) record_dir: PathBuf,
}
