//! The command line of `medrec-peers`. Nothing here runs anything.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measure medrec beside its rivals.
#[derive(Debug, Parser)]
#[command(name = "medrec-peers", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch the sources of the rivals in C and C++ from their package registries into target/peers.
    Fetch,
    /// Run the job of `medrec bench anonymize` by us and by every rival, and save the records.
    Anonymize(AnonymizeArguments),
    /// Release the census of a synthetic population, by us and by rivals at the same rho, and save how far each is off.
    Census(CensusArguments),
    /// Write docs/EVALUATION.md from the newest saved records and documents; measures nothing.
    Evaluation(EvaluationArguments),
    /// Run every benchmark with every rival, save the records, and write docs/HASHRATE.md with its plots.
    Hashrate(HashrateArguments),
    /// Measure what mining at a node leaves of bare light hashing, and save the document.
    Mining(MiningArguments),
    /// Measure how long it takes from a fresh clone to the end of the demo, and save the document.
    Newcomer(NewcomerArguments),
    /// Measure how time and memory grow with rows and persons, and save the document.
    Scale(ScaleArguments),
    /// Measure signed reads, claims, the way from a block to its bundle, and each service's memory; save the document.
    Services(ServicesArguments),
}

/// Arguments of `medrec-peers hashrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct HashrateArguments {
    /// Short samples of few engines: a check that the page can be made, not figures to publish.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Let the rivals build the whole dataset too (minutes); else their time is extrapolated from a part.
    #[arg(long)]
    pub(crate) full: bool,
    /// Folder that holds docs/ and benches/.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}

/// Arguments of `medrec-peers anonymize`.
#[derive(Debug, clap::Args)]
pub(crate) struct AnonymizeArguments {
    /// Rows of the generated table.
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) rows: u64,
    /// Seed of the generated rows; the noise has none.
    #[arg(long, default_value_t = medrec_benches::definition::anonymize::DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// Samples of those who need seconds; who needs minutes is sampled once.
    #[arg(long, default_value_t = 5)]
    pub(crate) samples: u32,
    /// These rivals alone: opendp, diffprivlib, smartnoise, tumult, pipelinedp.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Folder that holds docs/ and benches/.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}

/// Arguments of `medrec-peers census`.
#[derive(Debug, clap::Args)]
pub(crate) struct CensusArguments {
    /// Persons of the synthetic population.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) persons: u64,
    /// Releases of those who need seconds; who needs minutes makes one.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: u32,
    /// Folder that holds docs/ and benches/.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}

/// Arguments of `medrec-peers mining`.
#[derive(Debug, clap::Args)]
pub(crate) struct MiningArguments {
    /// Length of a sample in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Samples of the miner on each of the two chains.
    #[arg(long, default_value_t = 11)]
    pub(crate) samples: u32,
    /// Instruction set; the fastest when absent.
    #[arg(long)]
    pub(crate) engine: Option<String>,
    /// Search threads; one for each core when absent.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Folder that holds docs/ and benches/.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}

/// Arguments of `medrec-peers scale`.
#[derive(Debug, clap::Args)]
pub(crate) struct ScaleArguments {
    /// Sizes of the job in rows; the largest needs a gigabyte of disk.
    #[arg(long, value_delimiter = ',', default_value = "1000000,10000000,100000000")]
    pub(crate) rows: Vec<u64>,
    /// Samples of each size.
    #[arg(long, default_value_t = 3)]
    pub(crate) samples: u32,
    /// Persons of the synthetic population whose census is taken; 0 for none.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) persons: u64,
    /// Numbers of persons in the ledger.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    pub(crate) charged: Vec<u64>,
    /// Folder that holds docs/ and benches/.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}

/// Arguments of `medrec-peers services`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServicesArguments {
    /// Persons in the hospital's records.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) persons: u64,
    /// Patients who come in and let a doctor read.
    #[arg(long, default_value_t = 10)]
    pub(crate) patients: usize,
    /// Connections at once.
    #[arg(long, default_value_t = 50)]
    pub(crate) clients: usize,
    /// Signed reads of a round.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) reads: usize,
    /// Rounds of reads; the middle one is told.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Claims at once; a gatekeeper works on eight, and asks others to come again.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=8))]
    pub(crate) claimers: u16,
    /// Blocks whose shards are claimed; the chain makes one a second.
    #[arg(long, default_value_t = 200)]
    pub(crate) claims: u64,
    /// Bundles that are followed from the block to the disk; about one a second.
    #[arg(long, default_value_t = 100)]
    pub(crate) bundles: usize,
    /// Folder that holds docs/ and benches/.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}

/// Arguments of `medrec-peers newcomer`.
#[derive(Debug, clap::Args)]
pub(crate) struct NewcomerArguments {
    /// The checkout to clone; also where docs/ and benches/ are.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}

/// Arguments of `medrec-peers evaluation`.
#[derive(Debug, clap::Args)]
pub(crate) struct EvaluationArguments {
    /// Folder that holds docs/ and benches/.
    #[arg(long, default_value = ".")]
    pub(crate) root: PathBuf,
}
