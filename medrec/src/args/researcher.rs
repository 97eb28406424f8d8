//! Arguments of `medrec researcher` and `medrec claim`, and of collecting while mining.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use medrec_domain::Digest;

use super::provider::{CandidateArguments, PayingArguments};
use super::wallet::{KeysCommand, WalletArguments};

/// Where rewards are collected.
#[derive(Debug, Clone, Args)]
pub(crate) struct CollectArguments {
    #[command(flatten)]
    pub(crate) wallet: WalletArguments,
    /// Folder of the bundles.
    #[arg(long, value_name = "DIR", default_value = "rewards")]
    pub(crate) collect: PathBuf,
    /// First block that counts, when the folder is new.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) from_block: u64,
    /// Claim on chain what a gatekeeper does not deliver, and declare non-delivery after seven days.
    #[arg(long)]
    pub(crate) declare: bool,
}

/// What an owner says about a bounty on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatementArgument {
    /// Asks for the bundle: the time-out of seven days runs from here.
    Claim,
    /// The bundle on disk has come.
    Receipt,
    /// Nothing came in time.
    NonDelivery,
}

/// `medrec researcher`.
#[derive(Debug, Subcommand)]
pub(crate) enum ResearcherCommand {
    /// The keystore: make, restore, list.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// State who asks to be let in, as a file that providers vote for.
    #[command(
        after_help = "Example:\n  medrec researcher candidate --keystore lab.json --name lab --out lab.candidate.json"
    )]
    Candidate(CandidateArguments),
    /// Collect what own blocks earn, until Ctrl-C: claim, verify, store, confirm.
    #[command(after_help = "Example:\n  medrec researcher collect --keystore lab.json --collect rewards")]
    Collect(CollectArguments),
    /// What own blocks earned, and how far the collection is. The collector must not run.
    Rewards(CollectArguments),
    /// Say something about a bounty on chain. The collector must not run.
    #[command(after_help = "Example:\n  medrec researcher state non-delivery 0x… --collect rewards")]
    State {
        /// What.
        #[arg(value_enum)]
        statement: StatementArgument,
        /// The bounty's id.
        #[arg(value_name = "BOUNTY")]
        bounty: Digest,
        /// Folder of the bundles.
        #[arg(long, value_name = "DIR", default_value = "rewards")]
        collect: PathBuf,
        #[command(flatten)]
        paying: PayingArguments,
    },
}

/// Arguments of `medrec claim`.
#[derive(Debug, Args)]
pub(crate) struct ClaimArguments {
    /// Number of a block that was mined with the keystore's own account.
    #[arg(value_name = "BLOCK")]
    pub(crate) block: u64,
    #[command(flatten)]
    pub(crate) collect: CollectArguments,
}
