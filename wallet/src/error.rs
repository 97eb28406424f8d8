//! Everything that can go wrong, with a hint where there is something to do.
//!
//! # Privacy
//! No text carries a word, a password, a key, or a value of a record.

use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use medrec_anonymizer::AnonymizerError;
use medrec_chain::ChainError;
use medrec_domain::DomainError;
use medrec_protocol::{ProtocolError, RefusalCode};

/// An error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalletError {
    /// The chain, or a node.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A request has no canonical form.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A document contradicts itself.
    #[error(transparent)]
    Document(#[from] DomainError),
    /// A bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] AnonymizerError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A keystore cannot be opened or changed.
    #[error("{}: {problem}\n\nhint: {hint}", path.display())]
    Keystore {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// What to do.
        hint: &'static str,
    },
    /// Recovery words are none.
    #[error(
        "the recovery words are not usable: {problem}\n\nhint: 12 or 24 words of the English list, in their order, with one space or line between them"
    )]
    Words {
        /// What is wrong; never a word.
        problem: String,
    },
    /// The operating system gives no randomness.
    #[error("the operating system's random generator does not answer")]
    NoRandomness,
    /// A gatekeeper cannot be reached, or answers with something else than its protocol.
    #[error("gatekeeper {endpoint}: {method}: {problem}")]
    Gatekeeper {
        /// Its address.
        endpoint: String,
        /// The method.
        method: &'static str,
        /// What happened.
        problem: String,
    },
    /// A gatekeeper is not the one that was meant.
    #[error(
        "gatekeeper {endpoint} {problem}\n\nhint: compare the network file and the endpoint in the Registrar (`medrec provider list`)"
    )]
    OtherGatekeeper {
        /// Its address.
        endpoint: String,
        /// What is different.
        problem: String,
    },
    /// A gatekeeper says no.
    #[error("gatekeeper {endpoint}: {method}: {}{}", code.text(), hint_of(*code))]
    Refused {
        /// Its address.
        endpoint: String,
        /// The method.
        method: &'static str,
        /// Why.
        code: RefusalCode,
    },
    /// An act did not come into the chain, or the contract refused it.
    #[error("{act}: {problem}")]
    Act {
        /// What it was.
        act: String,
        /// Why not.
        problem: String,
    },
    /// The keystore has no account for this.
    #[error(
        "the keystore has no account for {whom}\n\nhint: `medrec patient register` makes one for a provider"
    )]
    NoAccount {
        /// For whom or what.
        whom: String,
    },
    /// The chain does not know a participant that has to be one.
    #[error("{account} is no {what} on this chain")]
    NotRegistered {
        /// The account.
        account: Address,
        /// What it would have to be.
        what: &'static str,
    },
    /// Something that was asked for does not exist.
    #[error("{0}")]
    Unknown(String),
    /// A network or candidate file does not hold what it should.
    #[error("{}: {problem}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The collector's store cannot be used.
    #[error("the collector's store {}: {problem}\n\nhint: one collector at a time works in a folder", path.display())]
    Store {
        /// Its file.
        path: PathBuf,
        /// What happened.
        problem: String,
    },
}

/// What can be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// The same again, later.
    Later,
    /// Nothing changes by asking again.
    Never,
}

impl WalletError {
    /// For `map_err` on the file at `path`.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }

    /// Whether the same may work later.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Chain(error) if error.remedy() == medrec_chain::Remedy::Retry => Advice::Later,
            Self::Gatekeeper { .. }
            | Self::OtherGatekeeper { .. }
            | Self::Refused {
                code:
                    RefusalCode::Busy
                    | RefusalCode::TooManyRequests
                    | RefusalCode::ChainUnavailable
                    | RefusalCode::Internal
                    | RefusalCode::Expired
                    | RefusalCode::Unconfirmed
                    | RefusalCode::Unregistered
                    | RefusalCode::Unknown
                    | RefusalCode::Replayed,
                ..
            } => Advice::Later,
            _ => Advice::Never,
        }
    }
}

/// What somebody who is refused can do.
const fn hint_of(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::BadSignature => {
            "\n\nhint: the network file, the provider or the keystore is not the one that this gatekeeper belongs to"
        }
        RefusalCode::Expired => "\n\nhint: the gatekeeper's clock moved; run the command again",
        RefusalCode::NotAllowed => {
            "\n\nhint: a relationship that stands and a grant in force open records; `medrec patient consents` lists grants"
        }
        RefusalCode::Unconfirmed => "\n\nhint: wait for 12 blocks on top of it",
        RefusalCode::Unregistered => {
            "\n\nhint: providers admit researchers by vote: `medrec researcher candidate`, `medrec provider admit`"
        }
        RefusalCode::TooDear => {
            "\n\nhint: privacy budgets do not grow back; `medrec provider budget` shows this provider's"
        }
        RefusalCode::NotInCatalogue => {
            "\n\nhint: name a query of the catalogue that the gatekeeper runs with"
        }
        RefusalCode::ChainUnavailable => "\n\nhint: the provider's node is down or behind; try again later",
        RefusalCode::IdempotencyKeyReused => {
            "\n\nhint: the file of this wish beside the keystore was changed; remove it to begin anew"
        }
        RefusalCode::TooManyRequests => {
            "\n\nhint: wait a little; who asks much from one address is slowed down (docs/GATEKEEPER.md)"
        }
        RefusalCode::Conflict => "\n\nhint: look at what was done before; it is not undone by asking again",
        _ => "",
    }
}
