//! Why there is no reward: refusals that the claimant sees as a code, and failures that stay in the provider's log.

use std::path::PathBuf;

use alloy_primitives::Address;
use medrec_anonymizer::AnonymizerError;
use medrec_chain::{ChainError, Remedy};
use medrec_datasets::DatasetError;
use medrec_domain::DomainError;
use medrec_protocol::RefusalCode;

/// The error of whoever implements one of this room's traits.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong with a release or a claim.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewardsError {
    /// Refused by a rule. Nothing was read, charged or stored.
    #[error("refused: {}", .0.text())]
    Refused(RefusalCode),
    /// The chain did not answer, or not as it has to.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The privacy pipeline, its ledger or its bundles.
    #[error(transparent)]
    Anonymizer(#[from] AnonymizerError),
    /// A word of the domain is not valid.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// Records could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Consents or records could not be had from whoever keeps them.
    #[error("{what} could not be read: {source}")]
    Source {
        /// What was asked for.
        what: &'static str,
        /// The keeper's words.
        source: SourceError,
    },
    /// The file of finished releases and answers cannot be used.
    #[error("{}: {why}", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// What happened.
        why: String,
    },
    /// What is stored, what was charged and what stands on chain do not agree. Nothing was changed.
    #[error(
        "{what}: {why}\n\nhint: restore the newest backup of the rewards folder as a whole; a release is never made twice"
    )]
    Contradiction {
        /// Which release.
        what: String,
        /// What does not agree.
        why: &'static str,
    },
    /// The key that has to sign a bundle is not here.
    #[error(
        "block {block} earns a bundle signed by {}, and that key is not here\n\nhint: name the provider's earlier keys too; without them what blocks before the change of key earned cannot be given",
        key.map_or_else(|| "the provider's key".to_owned(), |key| key.to_string())
    )]
    NoKey {
        /// Which; `None` where none spoke for the provider.
        key: Option<Address>,
        /// The block.
        block: u64,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

impl RewardsError {
    /// What a claimant may know of it.
    ///
    /// # Privacy
    /// One code a rule; a budget, a name or a record's value is in none of them.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Refused(code) => *code,
            Self::Anonymizer(AnonymizerError::TooDear { .. }) => RefusalCode::TooDear,
            Self::Chain(error) if error.remedy() == Remedy::Retry => RefusalCode::ChainUnavailable,
            _ => RefusalCode::Internal,
        }
    }
}

impl From<RefusalCode> for RewardsError {
    fn from(code: RefusalCode) -> Self {
        Self::Refused(code)
    }
}
