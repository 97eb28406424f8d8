//! x

pub mod acts;
mod backoff;
mod client;
mod contract;
pub mod contracts;
mod error;
pub mod follower;
mod health;
mod refusal;
pub mod sender;

pub use acts::{Authorisation, SignedAct, SignedMessage};
pub use client::{Call, Client, ClientOptions, Head, Receipt, View};
pub use contract::{Contract, ContractCall};
pub use contracts::{Act, Contracts, Ownership, PatientAct, Progress, Reader, Role, Status};
pub use error::{ChainError, Remedy};
pub use follower::{
    ContractEvent, Event, Follower, FollowerOptions, FollowerState, Position, PositionFile, Step, Update,
};
pub use health::{BlockRef, Health, Lag, NodeHealth, NodeState};
pub use refusal::Refusal;
pub use sender::{Entry, FeePolicy, Inclusion, Request, Sender, SenderOptions, State, Wait};
