//! Arguments of `medrec demo`, as the user types them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `medrec demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Folder of the results, which must not exist yet; `medrec-demo` with the time in its name, in the present
    /// folder, when absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Blocks after which it ends; earlier when every reward is collected.
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u64).range(40..))]
    pub(crate) blocks: u64,
    /// Patients at each provider who come to the network.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(8..=400))]
    pub(crate) patients: u32,
    /// Seed of the invented people.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Instruction set of the search threads; the fastest when absent. `medrec engines` lists them.
    #[arg(long, short, value_name = "NAME")]
    pub(crate) engine: Option<String>,
    /// OpenCL devices that the researchers mine on, one each: numbers in `medrec engines`, or parts of their names; `none`
    /// for the processor alone. Graphics devices are found by themselves; who has no device mines on the processor.
    #[arg(long = "device", value_name = "DEVICE", value_delimiter = ',')]
    pub(crate) devices: Vec<String>,
    /// Real records instead of invented ones: an export whose organisations are divided among three providers.
    #[arg(long, value_name = "DIR", requires = "format")]
    pub(crate) data: Option<PathBuf>,
    /// Format of the records in `--data`.
    #[arg(long, value_name = "FORMAT", value_enum, requires = "data")]
    pub(crate) format: Option<DemoFormat>,
}

/// Formats that can be divided by organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoFormat {
    /// Synthea's CSV export, plain or gzipped.
    SyntheaCsv,
}
