//! Logs of the five contracts as typed events.
//!
//! What not: which logs there are; [`super`] asks for them.

use alloy_primitives::{Address, B256, Log};
use alloy_sol_types::SolEventInterface as _;
use medrec_contracts::{Bounties, Consents, Registrar, Relationships, Releases};

use crate::contract::Contract;
use crate::health::BlockRef;

/// What a contract says has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContractEvent {
    /// Participants, roles, keys, ballots.
    Registrar(Registrar::RegistrarEvents),
    /// Pairs, and what providers posted.
    Relationships(Relationships::RelationshipsEvents),
    /// Grants, guardians, groups, releases to research.
    Consents(Consents::ConsentsEvents),
    /// Claims of bounties.
    Bounties(Bounties::BountiesEvents),
    /// Census releases and audit heads.
    Releases(Releases::ReleasesEvents),
}

/// An event and where it stands in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The block.
    pub block: BlockRef,
    /// The block's time, in Unix seconds.
    pub timestamp_s: u64,
    /// Who solved the block.
    pub coinbase: Address,
    /// The transaction.
    pub transaction: B256,
    /// Its place among all logs of the block.
    pub log_index: u64,
    /// What happened.
    pub what: ContractEvent,
}

impl Event {
    /// What tells this event from every other one: block hash and log index. The same act in another block after a
    /// re-organisation is another event.
    pub fn id(&self) -> (B256, u64) {
        (self.block.hash, self.log_index)
    }
}

/// The event of a log; `None` if the contract has no such event.
pub(super) fn decode(contract: Contract, log: &Log) -> Option<ContractEvent> {
    let decoded = match contract {
        Contract::Registrar => {
            ContractEvent::Registrar(Registrar::RegistrarEvents::decode_log(log).ok()?.data)
        }
        Contract::Relationships => {
            ContractEvent::Relationships(Relationships::RelationshipsEvents::decode_log(log).ok()?.data)
        }
        Contract::Consents => ContractEvent::Consents(Consents::ConsentsEvents::decode_log(log).ok()?.data),
        Contract::Bounties => ContractEvent::Bounties(Bounties::BountiesEvents::decode_log(log).ok()?.data),
        Contract::Releases => ContractEvent::Releases(Releases::ReleasesEvents::decode_log(log).ok()?.data),
    };
    Some(decoded)
}
