//! Arguments of `medrec provider`.

use std::path::PathBuf;

use alloy_primitives::Address as ChainAddress;
use clap::{Args, Subcommand, ValueEnum};
use medrec_domain::identifier::Address;
use medrec_domain::{CalendarDate, Rho};

use super::wallet::{KeysCommand, KeystoreArguments, NetworkArguments, WalletArguments};

/// Arguments of acts that the keystore's own account pays for.
#[derive(Debug, Clone, Args)]
pub(crate) struct PayingArguments {
    #[command(flatten)]
    pub(crate) wallet: WalletArguments,
    /// Blocks on top of an act until its command ends.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) confirmations: u64,
}

/// Roles that are voted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InstitutionArgument {
    /// Holds records.
    Provider,
    /// Mines and collects.
    Researcher,
}

/// Arguments of `candidate`.
#[derive(Debug, Args)]
pub(crate) struct CandidateArguments {
    #[command(flatten)]
    pub(crate) keys: KeystoreArguments,
    /// Public name, unique on the chain.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Where it is reached, such as `http://127.0.0.1:7001`; a provider's gatekeeper.
    #[arg(long, value_name = "URL", default_value = "")]
    pub(crate) endpoint: String,
    /// File to write; it must not exist. Else stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `medrec provider`.
#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// The keystore: make, restore, list.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// State who asks to be let in, as a file that providers vote for.
    #[command(
        after_help = "Example:\n  medrec provider candidate --keystore hospital.json --name general-hospital \\\n      \
            --endpoint http://127.0.0.1:7001 --out hospital.candidate.json"
    )]
    Candidate(CandidateArguments),
    /// Create the contracts of a new network and write its network file.
    #[command(
        after_help = "Example:\n  medrec provider deploy --keystore hospital.json --chain-id 1337 \\\n      \
            --founder hospital.candidate.json --out network.json"
    )]
    Deploy {
        #[command(flatten)]
        keys: KeystoreArguments,
        /// URLs of nodes.
        #[arg(
            long = "node",
            value_name = "URL",
            value_delimiter = ',',
            default_value = "http://127.0.0.1:8545"
        )]
        nodes: Vec<String>,
        /// Id of the chain.
        #[arg(long, value_name = "N", default_value_t = super::DEFAULT_CHAIN_ID)]
        chain_id: u64,
        /// Candidate files of the founding providers.
        #[arg(long = "founder", value_name = "FILE", required = true)]
        founders: Vec<PathBuf>,
        /// Network file to write; it must not exist.
        #[arg(long, value_name = "FILE", default_value = "network.json")]
        out: PathBuf,
        /// Blocks on top until the contracts count as there.
        #[arg(long, value_name = "N", default_value_t = 2)]
        confirmations: u64,
    },
    /// Vote to admit a provider or researcher: more than half of the providers decide.
    Admit {
        #[command(flatten)]
        paying: PayingArguments,
        /// The candidate's file.
        #[arg(value_name = "FILE")]
        candidate: PathBuf,
    },
    /// Vote to remove a provider or researcher.
    Remove {
        #[command(flatten)]
        paying: PayingArguments,
        /// Its account.
        #[arg(value_name = "ACCOUNT")]
        account: Address,
    },
    /// State where the gatekeeper is reached from now on.
    SetEndpoint {
        #[command(flatten)]
        paying: PayingArguments,
        /// The URL.
        #[arg(value_name = "URL")]
        endpoint: String,
    },
    /// Declare, once and for ever, the most privacy loss that this provider will release.
    DeclareCap {
        #[command(flatten)]
        paying: PayingArguments,
        /// The cap.
        #[arg(value_name = "RHO")]
        cap: Rho,
    },
    /// Hand the account over to the keystore's next key, with the ether; then start the gatekeeper again.
    #[command(after_help = "Example:\n  medrec provider rotate-key --keystore hospital.json\n\n\
            Cut off, it goes on where it stopped when it is run again. The gatekeeper signs with the new key once it was started again;\n\
            bundles of blocks before the change are still signed by the old one.")]
    RotateKey(PayingArguments),
    /// List the providers of a network.
    List(NetworkArguments),
    /// The budget of a provider as the chain has it.
    Budget {
        #[command(flatten)]
        chain: NetworkArguments,
        /// The provider: its name or account.
        #[arg(value_name = "NAME|ADDRESS")]
        provider: String,
    },
    /// Pay ether from the keystore's own account.
    Pay {
        #[command(flatten)]
        paying: PayingArguments,
        /// To whom.
        #[arg(value_name = "ADDRESS", value_parser = super::node::address)]
        to: ChainAddress,
        /// How many ether.
        #[arg(value_name = "ETHER")]
        ether: u64,
    },
    /// Have the gatekeeper carry the onboarding of a patient's fresh account.
    Invite {
        #[command(flatten)]
        wallet: WalletArguments,
        /// The account that the patient made for this provider.
        #[arg(value_name = "ACCOUNT")]
        account: Address,
    },
    /// Say which record of the database belongs to an account.
    #[command(after_help = "Example:\n  medrec provider link 0x… --record patient-0001")]
    Link {
        #[command(flatten)]
        wallet: WalletArguments,
        /// The patient's account.
        #[arg(value_name = "ACCOUNT")]
        account: Address,
        /// The patient's id in the database.
        #[arg(long, value_name = "ID")]
        record: String,
    },
    /// Take a link back.
    Unlink {
        #[command(flatten)]
        wallet: WalletArguments,
        /// The patient's account.
        #[arg(value_name = "ACCOUNT")]
        account: Address,
    },
    /// Propose a relationship to a patient, or accept the one that she asked for.
    Propose {
        #[command(flatten)]
        wallet: WalletArguments,
        /// The patient's account.
        #[arg(value_name = "ACCOUNT")]
        account: Address,
    },
    /// Post that records changed, with a bounty from the catalogue.
    #[command(after_help = "Example:\n  medrec provider post 0x… --query mean-iron-last-week")]
    Post {
        #[command(flatten)]
        wallet: WalletArguments,
        /// Accounts of the patients; several are not named on chain.
        #[arg(value_name = "ACCOUNT", required = true)]
        patients: Vec<Address>,
        /// Name of a query of the catalogue.
        #[arg(long, value_name = "NAME")]
        query: String,
    },
    /// Make and commit the census of an epoch.
    Epoch {
        #[command(flatten)]
        wallet: WalletArguments,
        /// Its number.
        #[arg(value_name = "N")]
        epoch: u64,
        /// First day of events that count.
        #[arg(long, value_name = "DATE")]
        from: CalendarDate,
        /// First day after them.
        #[arg(long, value_name = "DATE")]
        until: CalendarDate,
    },
}
