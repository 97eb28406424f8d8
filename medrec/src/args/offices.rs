//! Arguments of `medrec patient guardian`, `recovery` and `second-party`: who else decides.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use medrec_domain::identifier::Address;
use medrec_domain::{CalendarDate, Digest};

use super::desk::DeskArguments;

/// `medrec patient guardian`.
#[derive(Debug, Subcommand)]
pub(crate) enum GuardianCommand {
    /// Appoint one.
    #[command(
        after_help = "Example:\n  medrec patient guardian appoint 0x… --powers relate,grant --until 2027-01-01 \\\n      \
            --provider general-hospital"
    )]
    Appoint {
        #[command(flatten)]
        desk: DeskArguments,
        /// The guardian's account.
        #[arg(value_name = "ACCOUNT")]
        guardian: Address,
        /// What it may do: relate, grant, revoke, research.
        #[arg(long, value_name = "POWERS", value_delimiter = ',', required = true)]
        powers: Vec<PowerArgument>,
        /// First day on which it no longer may.
        #[arg(long, value_name = "DATE")]
        until: CalendarDate,
    },
    /// Dismiss one.
    Dismiss {
        #[command(flatten)]
        desk: DeskArguments,
        /// The guardian's account.
        #[arg(value_name = "ACCOUNT")]
        guardian: Address,
    },
}

/// Powers of a guardian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PowerArgument {
    /// Relationships.
    Relate,
    /// Grants.
    Grant,
    /// Revocations.
    Revoke,
    /// Releases to research.
    Research,
}

/// `medrec patient recovery`.
#[derive(Debug, Subcommand)]
#[command(after_help = "In this order:\n  \
        medrec patient recovery guardians 0x… 0x… --threshold 2 --provider P          the patient, while she has her key\n  \
        medrec patient recovery begin 0xHERS --keystore new.json --provider P         the patient, with a new keystore\n  \
        medrec patient recovery support 0xNEWKEY --for 0xHERS --provider P            each guardian\n  \
        medrec patient recovery finish --keystore new.json --provider P               the patient, three days later\n\n\
        Everything that was granted with the lost key is void from then on.")]
pub(crate) enum RecoveryCommand {
    /// Name the guardians that together can recover this account, in place of those before.
    #[command(
        after_help = "Example:\n  medrec patient recovery guardians 0x… 0x… 0x… --threshold 2 --provider general-hospital\n\n\
            They are named by the keys that they have now: a guardian who changes the key has to be named again."
    )]
    Guardians {
        #[command(flatten)]
        desk: DeskArguments,
        /// Their accounts, at most eight.
        #[arg(value_name = "ACCOUNT", required_unless_present = "none", num_args = 1..=8)]
        guardians: Vec<Address>,
        /// How many of them it takes.
        #[arg(long, value_name = "N", required_unless_present = "none")]
        threshold: Option<u8>,
        /// Nobody: the account cannot be recovered any more.
        #[arg(long, conflicts_with_all = ["guardians", "threshold"])]
        none: bool,
    },
    /// Make, in a new keystore, the key that shall speak for an account whose key is lost.
    #[command(
        after_help = "Example:\n  medrec patient recovery begin 0x… --keystore new.json --provider general-hospital\n\n\
            Nothing is sent. Tell the guardians the account and the key, in a way in which they know that it is you."
    )]
    Begin {
        #[command(flatten)]
        desk: DeskArguments,
        /// The account whose key is lost.
        #[arg(value_name = "ACCOUNT")]
        account: Address,
    },
    /// Support, as a guardian, that a new key speaks for an account (--for).
    #[command(
        after_help = "Example:\n  medrec patient recovery support 0xNEWKEY --for 0xHERS --keystore aunt.json --provider general-hospital\n\n\
            Make sure that the key is hers: whoever holds it gets the account."
    )]
    Support {
        #[command(flatten)]
        desk: DeskArguments,
        /// The new key's address.
        #[arg(value_name = "KEY")]
        key: Address,
    },
    /// How far a recovery is: one's own, or of an account (--for) with a key.
    Status {
        #[command(flatten)]
        desk: DeskArguments,
        /// The new key's address; the keystore's own key when absent.
        #[arg(value_name = "KEY")]
        key: Option<Address>,
    },
    /// Put the new key in place, once enough guardians support it and three days have passed.
    #[command(
        after_help = "Example:\n  medrec patient recovery finish --keystore new.json --provider general-hospital"
    )]
    Finish(DeskArguments),
    /// Stop every recovery in progress, with the key that somebody says is lost.
    #[command(after_help = "Example:\n  medrec patient recovery cancel --provider general-hospital")]
    Cancel(DeskArguments),
}

/// `medrec patient second-party`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecondPartyCommand {
    /// From now on nothing holds until this account agreed to it.
    #[command(
        after_help = "Example:\n  medrec patient second-party require 0x… --provider general-hospital\n\n\
            It is named by the key that it has now. To be rid of it takes its own signature: `second-party hand-over`."
    )]
    Require {
        #[command(flatten)]
        desk: DeskArguments,
        /// The second party's account.
        #[arg(value_name = "ACCOUNT")]
        cosigner: Address,
    },
    /// Write a consent to a file, to be given to the second party.
    #[command(
        after_help = "Example:\n  medrec patient second-party ask 0x… --out research.consent --provider general-hospital\n\n\
            The file says what the chain hides: give it to the second party and to nobody else."
    )]
    Ask {
        #[command(flatten)]
        desk: DeskArguments,
        /// The consent's commitment, as `medrec patient consents` lists it.
        #[arg(value_name = "COMMITMENT")]
        commitment: Digest,
        /// File to write; it must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Agree, as the second party of a patient (--for), to a grant, a release to research or a guardian.
    #[command(
        after_help = "Examples:\n  medrec patient second-party agree --consent research.consent --for 0x… --provider general-hospital\n  \
            medrec patient second-party agree --guardian 0x… --for 0x… --provider general-hospital\n  \
            medrec patient second-party agree --consent research.consent --withdraw --for 0x… --provider general-hospital\n\n\
            The file is held against the chain first, and what it says is printed."
    )]
    Agree {
        #[command(flatten)]
        desk: DeskArguments,
        /// The consent, in the file that the patient wrote.
        #[arg(long, value_name = "FILE", required_unless_present = "guardian", conflicts_with = "guardian")]
        consent: Option<PathBuf>,
        /// The guardian whose appointment is agreed to.
        #[arg(long, value_name = "ACCOUNT")]
        guardian: Option<Address>,
        /// Take the agreement back.
        #[arg(long)]
        withdraw: bool,
    },
    /// Sign, as the second party of a patient (--for), that you may be replaced or released.
    #[command(
        after_help = "Examples:\n  medrec patient second-party hand-over --to 0x… --out change --for 0x… --provider general-hospital\n  \
            medrec patient second-party hand-over --to-nobody --out release --for 0x… --provider general-hospital\n\n\
            Give the file to the patient, who signs too. Your next act about consents makes it void."
    )]
    HandOver {
        #[command(flatten)]
        desk: DeskArguments,
        /// Who follows: an account.
        #[arg(
            long,
            value_name = "ACCOUNT",
            required_unless_present = "to_nobody",
            conflicts_with = "to_nobody"
        )]
        to: Option<Address>,
        /// Nobody follows: the patient decides alone again.
        #[arg(long)]
        to_nobody: bool,
        /// File to write; it must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Hours for which the signature is good.
        #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=8_784))]
        hours: u64,
    },
    /// Replace or release the second party, with the file that it signed.
    #[command(
        after_help = "Example:\n  medrec patient second-party change change --provider general-hospital"
    )]
    Change {
        #[command(flatten)]
        desk: DeskArguments,
        /// The second party's file.
        #[arg(value_name = "FILE")]
        handover: PathBuf,
    },
    /// Who the second party is, of oneself or of a patient (--for).
    Status(DeskArguments),
}
