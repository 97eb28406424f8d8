//! Arguments of `medrec patient`: patients, guardians, doctors, whoever asks a gatekeeper and holds no ether.

use clap::{Args, Subcommand, ValueEnum};
use medrec_domain::identifier::Address;
use medrec_domain::{CalendarDate, Digest, Rho};

use super::desk::DeskArguments;
use super::offices::{GuardianCommand, RecoveryCommand, SecondPartyCommand};
use super::wallet::KeysCommand;

/// What a consent covers.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScopeArguments {
    /// Fields such as `condition.code,person.sex`, or `all`.
    #[arg(long, value_name = "FIELDS", default_value = "all")]
    pub(crate) fields: String,
    /// `all`, or value sets: `only:diabetes,asthma`, `except:mental-health`.
    #[arg(long, value_name = "CONDITIONS", default_value = "all")]
    pub(crate) conditions: String,
    /// First day of validity; at once when absent.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<CalendarDate>,
    /// First day on which it is over.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: CalendarDate,
}

/// Purposes of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PurposeArgument {
    /// Care of the patient.
    Treatment,
    /// Her own or a guardian's reading.
    Personal,
    /// Duties of a public-health agency.
    PublicHealth,
}

/// What a patient does about a relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RelateArgument {
    /// Ask the provider for one.
    Request,
    /// Accept what the provider proposed.
    Accept,
    /// Reject it.
    Reject,
    /// Take note of an update.
    Acknowledge,
    /// End it, or take the request back.
    End,
}

/// `medrec patient`.
#[derive(Debug, Subcommand)]
pub(crate) enum PatientCommand {
    /// The keystore: make, restore, list.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Make (or show) the account for one provider, to be told to it so that it invites you.
    #[command(after_help = "Example:\n  medrec patient account --provider general-hospital")]
    Account(DeskArguments),
    /// Enter the network as a patient of a provider that invited the account.
    #[command(after_help = "Example:\n  medrec patient register --provider general-hospital")]
    Register(DeskArguments),
    /// Enter the network with the keystore's own account: a guardian, a family member, a doctor.
    RegisterGuardian(DeskArguments),
    /// Request, accept, reject, acknowledge or end the relationship with a provider.
    #[command(after_help = "Example:\n  medrec patient relate accept --provider general-hospital")]
    Relate {
        /// What.
        #[arg(value_enum)]
        act: RelateArgument,
        #[command(flatten)]
        desk: DeskArguments,
    },
    /// Where you and a provider stand.
    Status(DeskArguments),
    /// Let a person or a group read.
    #[command(after_help = "Examples:\n  \
            medrec patient grant --provider general-hospital --to 0x… --purpose treatment --until 2027-01-01\n  \
            medrec patient grant --provider general-hospital --group 0x… --purpose personal \\\n      \
            --fields condition.code,condition.start_date --conditions only:diabetes --until 2027-01-01")]
    Grant {
        #[command(flatten)]
        desk: DeskArguments,
        /// Who may read: an account.
        #[arg(long, value_name = "ACCOUNT", required_unless_present = "group", conflicts_with = "group")]
        to: Option<Address>,
        /// Which group may read.
        #[arg(long, value_name = "GROUP")]
        group: Option<Address>,
        /// What for.
        #[arg(long, value_enum)]
        purpose: PurposeArgument,
        #[command(flatten)]
        scope: ScopeArguments,
    },
    /// Release to anonymised research, up to a privacy cap.
    #[command(
        after_help = "Example:\n  medrec patient research --provider general-hospital --cap 1/10 --until 2027-01-01\n\n\
            Revocation takes effect with the next release; what was released before cannot be called back."
    )]
    Research {
        #[command(flatten)]
        desk: DeskArguments,
        /// Most privacy loss, in rho.
        #[arg(long, value_name = "RHO")]
        cap: Rho,
        #[command(flatten)]
        scope: ScopeArguments,
    },
    /// Take a consent back.
    #[command(after_help = "Example:\n  medrec patient revoke 0x… --provider general-hospital")]
    Revoke {
        /// The consent's commitment, as `medrec patient consents` lists it.
        #[arg(value_name = "COMMITMENT")]
        commitment: Digest,
        /// Have the gatekeeper delete the document and its salt too.
        #[arg(long)]
        erase: bool,
        #[command(flatten)]
        desk: DeskArguments,
    },
    /// List the consents that lie at a provider.
    Consents(DeskArguments),
    /// Read records: your own, or those of somebody who granted you.
    #[command(
        after_help = "Examples:\n  medrec patient read --provider general-hospital --table condition\n  \
            medrec patient read --provider general-hospital --table condition --of 0x… --purpose treatment"
    )]
    Read {
        #[command(flatten)]
        desk: DeskArguments,
        /// Whose records; your own when absent.
        #[arg(long, value_name = "ACCOUNT")]
        of: Option<Address>,
        /// Which table.
        #[arg(long, value_name = "TABLE")]
        table: String,
        /// What for.
        #[arg(long, value_enum, default_value_t = PurposeArgument::Personal)]
        purpose: PurposeArgument,
        /// Columns wanted; all that are allowed when absent.
        #[arg(long, value_name = "NAMES", value_delimiter = ',')]
        columns: Vec<String>,
        /// First day of events.
        #[arg(long, value_name = "DATE")]
        from: Option<CalendarDate>,
        /// First day after them.
        #[arg(long, value_name = "DATE")]
        until: Option<CalendarDate>,
    },
    /// What happened that concerns you.
    #[command(after_help = "Example:\n  medrec patient notifications --provider general-hospital --follow")]
    Notifications {
        #[command(flatten)]
        desk: DeskArguments,
        /// The last number that you know already.
        #[arg(long, value_name = "N", default_value_t = 0)]
        after: u64,
        /// Go on until Ctrl-C, a line each.
        #[arg(long)]
        follow: bool,
    },
    /// Who saw what, from the provider's audit log.
    Audit {
        #[command(flatten)]
        desk: DeskArguments,
        /// The last entry that you know already.
        #[arg(long, value_name = "N", default_value_t = 0)]
        after: u64,
    },
    /// Appoint or dismiss a guardian for day-to-day acts.
    #[command(subcommand)]
    Guardian(GuardianCommand),
    /// Recover an account whose key is lost: guardians named beforehand put a new key in its place.
    #[command(subcommand)]
    Recovery(RecoveryCommand),
    /// Found a group of viewers, take members in or out.
    #[command(subcommand)]
    Group(GroupCommand),
    /// A second party that has to agree to each grant, appointment and release.
    #[command(subcommand)]
    SecondParty(SecondPartyCommand),
    /// Hand the account over to the keystore's next key; grants given with the old one are void.
    RotateKey(DeskArguments),
    /// Take the identity commitment off the chain's state.
    EraseIdentity(DeskArguments),
}

/// `medrec patient group`.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Found one.
    Found(DeskArguments),
    /// Take a member in.
    Add {
        #[command(flatten)]
        desk: DeskArguments,
        /// The group.
        #[arg(long, value_name = "GROUP")]
        group: Address,
        /// The member's account.
        #[arg(value_name = "ACCOUNT")]
        member: Address,
    },
    /// Take a member out.
    Remove {
        #[command(flatten)]
        desk: DeskArguments,
        /// The group.
        #[arg(long, value_name = "GROUP")]
        group: Address,
        /// The member's account.
        #[arg(value_name = "ACCOUNT")]
        member: Address,
    },
}
