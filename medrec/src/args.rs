//! The command line as the user types it. Nothing here decides or runs anything.

mod anonymize;
mod bench_anonymize;
mod demo;
mod desk;
mod gatekeeper;
mod mine;
mod node;
mod offices;
mod patient;
mod provider;
mod researcher;
mod synth;
mod wallet;

pub(crate) use anonymize::{
    AnonymizeArguments, BudgetArguments, FormatArgument, OnBadRowArgument, VerifyArguments,
};
pub(crate) use bench_anonymize::BenchAnonymizeArguments;
pub(crate) use demo::DemoArguments;
pub(crate) use desk::DeskArguments;
pub(crate) use gatekeeper::GatekeeperArguments;
pub(crate) use mine::{DatasetArgument, MineArguments, ScheduleArgument};
pub(crate) use node::{
    ChainArguments, ExportArguments, GenesisArguments, ImportArguments, NodeArguments, NodeCommand,
    NodeRunArguments,
};
pub(crate) use offices::{GuardianCommand, PowerArgument, RecoveryCommand, SecondPartyCommand};
pub(crate) use patient::{GroupCommand, PatientCommand, PurposeArgument, RelateArgument, ScopeArguments};
pub(crate) use provider::{CandidateArguments, InstitutionArgument, PayingArguments, ProviderCommand};
pub(crate) use researcher::{ClaimArguments, CollectArguments, ResearcherCommand, StatementArgument};
pub(crate) use synth::SynthArguments;
pub(crate) use wallet::{KeysCommand, KeystoreArguments, NetworkArguments, WalletArguments};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::shell::Output;

/// Chain id unless told otherwise: MEDREC on a telephone's keys. No public network uses it.
pub(crate) const DEFAULT_CHAIN_ID: u64 = 633_732;

/// Mine anonymised medical aggregates; keep records where they are.
#[derive(Debug, Parser)]
#[command(
    name = "medrec",
    version,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        medrec demo                           all of it on this machine, in a minute and a half\n  \
        medrec engines                        what this machine can hash with\n  \
        medrec bench keccak                   Keccak-256, every engine, 1 and all threads\n  \
        medrec bench ethash --json > a.json   full search against the machine's own limit\n  \
        medrec node --dev                     a chain of your own with funded accounts\n  \
        medrec mine --node http://127.0.0.1:8545\n  \
        medrec synth --out people --format synthea-csv\n\n\
        Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 engine or device not available,\n\
        4 an engine gave a wrong answer, 5 a bundle is not valid, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See all of it at once: a chain, three providers, their patients, two miners, verified bundles.
    #[command(after_help = "Examples:\n  \
            medrec demo\n  \
            medrec demo --out results --json\n  \
            medrec demo --data export --format synthea-csv\n\n\
            It takes about a minute and a half, opens nothing by itself and leaves nothing but --out; Ctrl-C leaves nothing\n\
            at all. stderr tells the story, stdout what was earned.")]
    Demo(DemoArguments),
    /// List what this machine can hash with, and which engine will be used, and why.
    #[command(after_help = "Example:\n  medrec engines --json | jq .keccak")]
    Engines,
    /// Measure hashrates beside the machine's own limit, or a release; compare two records.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Run the embedded proof-of-work chain: JSON-RPC over HTTP and WebSocket, work for miners.
    #[command(after_help = "Examples:\n  \
            medrec node --dev\n  \
            medrec node --dev --datadir chain --http-port 0 --json\n  \
            medrec genesis --for embedded --mnemonic-file words.txt --out genesis.json\n  \
            medrec node --genesis genesis.json --coinbase 0x…   real difficulty: miners ask for work\n  \
            medrec node export --datadir chain blocks.rlp\n\n\
            stdout gets one answer when the node is ready (with --json one line). Ctrl-C or SIGTERM stop it\n\
            with exit code 0 and everything acknowledged on disk; a second Ctrl-C stops it at once.")]
    Node(Box<NodeArguments>),
    /// Mine: fetch work from nodes, search nonces on every core or on OpenCL devices, bring solutions back.
    #[command(after_help = "Examples:\n  \
            medrec mine --node http://127.0.0.1:8545\n  \
            medrec mine --node http://one:8545,http://two:8545 --device 0 --api 127.0.0.1:9633\n  \
            medrec mine --node http://127.0.0.1:8545 --coinbase 0x… --dataset never --threads 1 --blocks 10\n  \
            medrec mine --node http://127.0.0.1:8545 --seconds 60 --json | jq .hashrate_hps\n\n\
            It runs until Ctrl-C or SIGTERM, or until --blocks or --seconds are reached; then stdout gets a\n\
            summary. Exit code 130: ended by a signal before --blocks or --seconds were reached.")]
    Mine(Box<MineArguments>),
    /// Write the genesis file of a network for core-geth, go-ethereum, Besu or the embedded chain.
    #[command(after_help = "Examples:\n  \
            medrec genesis --for core-geth --chain-id 4242 --alloc accounts.json --out genesis.json\n  \
            medrec genesis --for embedded --mnemonic-file words.txt --json | jq -r .genesis_hash\n\n\
            The same arguments give the same genesis hash for every client.")]
    Genesis(GenesisArguments),
    /// Write a seeded synthetic population: invented people with plausible records.
    #[command(after_help = "Examples:\n  \
            medrec synth --out people --persons 1000 --seed 7 --format synthea-csv\n  \
            medrec synth --out people --persons 1000000 --organisations 200 --format parquet --force")]
    Synth(SynthArguments),
    /// Run a provider's service beside its database: signed reads, consents, releases, claims.
    #[command(after_help = "Examples:\n  \
            medrec gatekeeper --config gatekeeper.toml\n  \
            medrec gatekeeper --config gatekeeper.toml --listen 127.0.0.1:0 --json\n  \
            medrec gatekeeper --config gatekeeper.toml --check\n\n\
            A file to start from:\n  \
            nodes = [\"http://127.0.0.1:8545\"]\n  \
            network = \"network.json\"\n  \
            keystore = \"hospital.json\"\n  \
            state = \"state\"\n  \
            [records]\n  \
            format = \"fhir-ndjson\"\n  \
            path = \"records\"\n  \
            [privacy]\n  \
            cap = \"1\"\n  \
            census-rho = \"1/4\"\n\n\
            stdout gets one answer when it is ready (with --json one line). Ctrl-C or SIGTERM stop it with exit code 0\n\
            and everything acknowledged on disk.")]
    Gatekeeper(GatekeeperArguments),
    /// Turn records into differentially private tables: a bundle that may be published.
    #[command(after_help = "Examples:\n  \
            medrec anonymize --data records --format synthea-csv --rho 1/2 --dry-run\n  \
            medrec anonymize --data records --format synthea-csv --rho 1/2 --out census\n  \
            medrec anonymize --data records --format fhir-ndjson --workload mean-iron-last-week --rho 1/50 --out iron\n\n\
            The budget is kept in a ledger beside the data: releases add up, and one that would pass the cap is\n\
            refused before anything is read. A run that was killed goes on when it is started again.")]
    Anonymize(Box<AnonymizeArguments>),
    /// Check a bundle: every file, every number that can be recomputed, every statement; with --node, the chain's word too.
    #[command(after_help = "Examples:\n  \
            medrec verify census\n  \
            medrec verify bundle.tar.zst --json | jq .valid\n  \
            medrec verify rewards/0x…/epoch-1/block-40.tar.zst --node http://127.0.0.1:8545 --network network.json\n\n\
            Exit code 5: the bundle is not valid.")]
    Verify(VerifyArguments),
    /// Collect what a block earned its miner: claim, verify, store.
    #[command(after_help = "Example:\n  medrec claim 40 --keystore lab.json --collect rewards")]
    Claim(Box<ClaimArguments>),
    /// Acts of patients, guardians and doctors: relate, grant, revoke, read, see who saw what.
    #[command(subcommand)]
    Patient(Box<PatientCommand>),
    /// Acts of a provider: contracts, votes, endpoint, invitations, updates with bounties, epochs.
    #[command(subcommand)]
    Provider(Box<ProviderCommand>),
    /// Acts of a researcher: admission, collecting rewards, statements about bounties.
    #[command(subcommand)]
    Researcher(Box<ResearcherCommand>),
}

/// Which benchmark.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Full Ethash search over a dataset in memory, held against random reads of the same memory.
    #[command(after_help = "Examples:\n  \
            medrec bench ethash\n  \
            medrec bench ethash --engine avx512 --threads 2 --pages 4k --samples 9\n  \
            medrec bench ethash --device 0 --json --save\n\n\
            The dataset of the epoch (1 GiB for epoch 0) is taken from the cache folder, or built and\n\
            stored there first.")]
    Ethash(EthashArguments),
    /// Keccak-256 or Keccak-512 of many short messages.
    #[command(after_help = "Example:\n  medrec bench keccak --bits 512 --message-bytes 64 --threads 1")]
    Keccak(KeccakArguments),
    /// Building Ethash's light cache and dataset ("DAG").
    #[command(after_help = "Examples:\n  medrec bench dag              rates over a part of the dataset\n  \
            medrec bench dag --whole      time of the whole dataset")]
    Dag(DagArguments),
    /// A whole release of ten million rows: time, memory, and errors beside the exact answer.
    #[command(after_help = "Examples:\n  \
            medrec bench anonymize\n  \
            medrec bench anonymize --rows 1000000 --data rows --json --save\n\n\
            Each sample starts `medrec anonymize` anew: ledger, bundle and report are in its figures. The ledgers are\n\
            thrown away, which no release of real data may do.")]
    Anonymize(BenchAnonymizeArguments),
    /// Ratios of a second record to a first one, with every reason not to trust them.
    #[command(after_help = "Example:\n  medrec bench compare before.json after.json")]
    Compare {
        /// The record that ratios are taken to.
        first: PathBuf,
        /// The record to compare with it.
        second: PathBuf,
    },
}

/// What all benchmarks take.
#[derive(Debug, Args)]
pub(crate) struct SamplingArguments {
    /// Engines to measure; all that run on this machine when absent. `medrec engines` lists them.
    #[arg(long = "engine", short, value_name = "NAME", value_delimiter = ',')]
    pub(crate) engines: Vec<String>,
    /// Numbers of threads to measure with; 1 and all processors when absent.
    #[arg(long, short, value_name = "N", value_delimiter = ',')]
    pub(crate) threads: Vec<usize>,
    /// Length of a sample.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub(crate) seconds: f64,
    /// Samples of each engine.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) samples: u32,
    /// Write the record to `<record-dir>/<device>/<time>-<benchmark>.json` too.
    #[arg(long)]
    pub(crate) save: bool,
    /// Folder of saved records.
    #[arg(long, value_name = "DIR", default_value = "benches/record")]
    pub(crate) record_dir: PathBuf,
}

/// Arguments of `medrec bench keccak`.
#[derive(Debug, Args)]
pub(crate) struct KeccakArguments {
    #[command(flatten)]
    pub(crate) sampling: SamplingArguments,
    /// Digest length.
    #[arg(long, value_enum, default_value_t = Bits::Bits256)]
    pub(crate) bits: Bits,
    /// Length of each message in bytes.
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub(crate) message_bytes: usize,
}

/// Digest lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bits {
    /// Keccak-256.
    #[value(name = "256")]
    Bits256,
    /// Keccak-512.
    #[value(name = "512")]
    Bits512,
}

/// Arguments that say which dataset.
#[derive(Debug, Args)]
pub(crate) struct EpochArguments {
    /// Epoch of 30,000 blocks whose dataset is used.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) epoch: u64,
    /// Take a cache of 1,021 rows and a dataset of 8,198 items instead: a quick check of the whole path,
    /// whose figures say nothing about mining (everything fits into the processor's caches).
    #[arg(long, conflicts_with = "epoch")]
    pub(crate) reduced: bool,
}

/// Arguments of `medrec bench ethash`.
#[derive(Debug, Args)]
pub(crate) struct EthashArguments {
    #[command(flatten)]
    pub(crate) sampling: SamplingArguments,
    #[command(flatten)]
    pub(crate) epoch: EpochArguments,
    /// Pages of the dataset's memory; huge ones where the system gives them when absent.
    #[arg(long, value_enum)]
    pub(crate) pages: Option<PagesArgument>,
    /// Measure this OpenCL device instead of the processor: its number in `medrec engines`, or a part of its
    /// name.
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["engines", "threads", "pages"])]
    pub(crate) device: Option<String>,
    /// Hash from the light cache alone instead, as verifiers do: one by one and in batches.
    #[arg(long, conflicts_with_all = ["device", "pages"])]
    pub(crate) light: bool,
    /// Folder of stored datasets; `MEDREC_CACHE_DIR`, else `medrec/ethash` in the user's cache folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// Arguments of `medrec bench dag`.
#[derive(Debug, Args)]
pub(crate) struct DagArguments {
    #[command(flatten)]
    pub(crate) sampling: SamplingArguments,
    #[command(flatten)]
    pub(crate) epoch: EpochArguments,
    /// Generate whole datasets on this OpenCL device: its number in `medrec engines`, or a part of its name.
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["engines", "threads"])]
    pub(crate) device: Option<String>,
    /// Build the whole dataset in each sample, however long it takes.
    #[arg(long)]
    pub(crate) whole: bool,
}

/// Page sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PagesArgument {
    /// Huge pages (2 MiB), by transparent huge pages.
    Huge,
    /// The processor's small pages (4 KiB).
    #[value(name = "4k")]
    Small,
}

/// Parses the process's arguments.
///
/// # Errors
/// What the parser has to say, help and version included.
pub(crate) fn parse() -> Result<Arguments, clap::Error> {
    Arguments::try_parse()
}
