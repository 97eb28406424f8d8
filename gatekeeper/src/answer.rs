//! What a method gives back: an answer or a refusal, each with the words that the audit log keeps about it.
//!
//! # Privacy
//! A refusal leaves as its code alone. Why it happened is for the provider's own log; what it was about is for the audit
//! log, in names of tables, columns and methods.

use std::pin::Pin;

use axum::body::Body;
use medrec_chain::{ChainError, Remedy};
use medrec_domain::DomainError;
use medrec_domain::identifier::Address;
use medrec_protocol::RefusalCode;
use serde::Serialize;

use crate::error::GatekeeperError;
use crate::rewards::RewardsError;

/// What the audit log says about a request beside who asked and what was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Concern {
    /// Whose record it is about, where there is one.
    pub(crate) patient: Option<Address>,
    /// What it is about: constant words, names of tables and columns.
    pub(crate) about: String,
}

impl Concern {
    /// About a patient.
    pub(crate) fn of(patient: Address, about: impl Into<String>) -> Self {
        Self { patient: Some(patient), about: about.into() }
    }

    /// About nobody in particular.
    pub(crate) fn nobody(about: impl Into<String>) -> Self {
        Self { patient: None, about: about.into() }
    }
}

/// What leaves.
pub(crate) enum Content {
    /// JSON.
    Json(Vec<u8>),
    /// The bytes of a bundle.
    Bundle(Vec<u8>),
    /// Server-sent events.
    Events(Body),
}

/// An answer.
pub(crate) struct Answer {
    /// What leaves.
    pub(crate) content: Content,
    /// What the log says it was about, where that is known better than from the question.
    pub(crate) about: Option<String>,
    /// Who is to be told that her record was read.
    pub(crate) was_read: Option<Address>,
}

impl Answer {
    /// An answer in JSON.
    pub(crate) fn json<T: Serialize>(answer: &T) -> Result<Self, Refused> {
        let bytes = serde_json::to_vec(answer).map_err(|error| Refused::internal(error.to_string()))?;
        Ok(Self::of(Content::Json(bytes)))
    }

    /// An answer of that content.
    pub(crate) const fn of(content: Content) -> Self {
        Self { content, about: None, was_read: None }
    }
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refused {
    /// What the other side learns.
    pub(crate) code: RefusalCode,
    /// What the provider's own log learns; `None` where the code says it all.
    pub(crate) why: Option<String>,
}

impl Refused {
    /// Something broke here.
    pub(crate) fn internal(why: impl Into<String>) -> Self {
        Self { code: RefusalCode::Internal, why: Some(why.into()) }
    }
}

impl From<RefusalCode> for Refused {
    fn from(code: RefusalCode) -> Self {
        Self { code, why: None }
    }
}

impl From<GatekeeperError> for Refused {
    fn from(error: GatekeeperError) -> Self {
        match error {
            GatekeeperError::Chain(error) => error.into(),
            GatekeeperError::Rewards(error) => error.into(),
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<ChainError> for Refused {
    fn from(error: ChainError) -> Self {
        // Whatever the reason, what could not be looked up allows nothing.
        let code = match error.remedy() {
            Remedy::Retry => RefusalCode::ChainUnavailable,
            Remedy::FixInput | Remedy::GiveUp => RefusalCode::Internal,
        };
        Self { code, why: Some(error.to_string()) }
    }
}

impl From<RewardsError> for Refused {
    fn from(error: RewardsError) -> Self {
        let why = (!matches!(error, RewardsError::Refused(_))).then(|| error.to_string());
        Self { code: error.code(), why }
    }
}

impl From<DomainError> for Refused {
    fn from(error: DomainError) -> Self {
        Self { code: RefusalCode::BadRequest, why: Some(error.to_string()) }
    }
}

/// What a method comes to.
pub(crate) type Outcome = Result<Answer, Refused>;

/// A method at work.
pub(crate) type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;
