//! x

pub mod acts;
mod backoff;
mod client;
mod contract;
pub mod contracts;
mod error;
mod health;
mod refusal;

pub use acts::{Authorisation, SignedAct, SignedMessage};
pub use client::{Call, Client, ClientOptions, Head, Receipt, View};
pub use contract::{Contract, ContractCall};
pub use contracts::{Act, Contracts, Ownership, PatientAct, Progress, Reader, Role, Status};
pub use error::{ChainError, Remedy};
pub use health::{BlockRef, Health, Lag, NodeHealth, NodeState};
pub use refusal::Refusal;
