//! The five contracts of one network: where they stand, how they come there, and acts upon them.
//!
//! Why here: addresses, chain id and calls belong together; who holds a [`Contracts`] cannot send a call to the
//! wrong contract or sign for the wrong chain. What not: no node is asked here, and nothing is sent.

mod keys;
mod reader;
mod words;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer::Signer;
use alloy_sol_types::{Eip712Domain, SolConstructor as _, SolStruct as _};
use medrec_contracts::{Bounties, Consents, Registrar, Relationships, Releases, signed};
use serde::{Deserialize, Serialize};

pub use self::keys::KeyHistory;
pub use self::reader::{Ownership, Reader};
pub use self::words::{PatientAct, Progress, Role, Status};
use crate::acts::{Authorisation, SignedAct, SignedMessage};
use crate::contract::{Contract, ContractCall};
use crate::error::ChainError;

/// Something to be sent: a call of a contract, or the creation of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What it is, for people: `Consents.grant(bytes32)`.
    pub what: String,
    /// What is called; `None` creates a contract.
    pub to: Option<Address>,
    /// The input.
    pub data: Bytes,
    /// Wei that go along.
    pub value: U256,
}

impl Act {
    /// A payment without a call.
    pub fn transfer(to: Address, value_wei: U256) -> Self {
        Self { what: "transfer".to_owned(), to: Some(to), data: Bytes::new(), value: value_wei }
    }
}

/// The addresses of the five contracts on one chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contracts {
    /// The chain's id; signatures are bound to it.
    pub chain_id: u64,
    /// Participants, roles, keys, ballots.
    pub registrar: Address,
    /// Grants, guardians, groups, releases to research.
    pub consents: Address,
    /// Patient-provider pairs and what providers posted.
    pub relationships: Address,
    /// Claims of posted bounties.
    pub bounties: Address,
    /// Census releases and audit heads.
    pub releases: Address,
}

impl Contracts {
    /// Where the contracts will stand when `deployer` creates them with its transactions `first_nonce` and the four
    /// after it, in the order of docs/CONTRACTS.md.
    pub fn predicted(chain_id: u64, deployer: Address, first_nonce: u64) -> Self {
        let created = |index| deployer.create(first_nonce + index);
        Self {
            chain_id,
            registrar: created(0),
            consents: created(1),
            relationships: created(2),
            bounties: created(3),
            releases: created(4),
        }
    }

    /// The five creations, in their order. They make these addresses only with the nonces that [`Contracts::predicted`] was
    /// asked for.
    pub fn creations(&self, founders: Vec<Registrar::Candidate>) -> [Act; 5] {
        let (registrar, relationships) = (self.registrar, self.relationships);
        let first = Registrar::constructorCall { relationships, founders };
        let second = Consents::constructorCall { registrar };
        let third = Relationships::constructorCall { registrar, consents: self.consents };
        let fourth = Bounties::constructorCall { registrar, relationships };
        let fifth = Releases::constructorCall { registrar };
        [
            creation(Contract::Registrar, &Registrar::BYTECODE, &first.abi_encode()),
            creation(Contract::Consents, &Consents::BYTECODE, &second.abi_encode()),
            creation(Contract::Relationships, &Relationships::BYTECODE, &third.abi_encode()),
            creation(Contract::Bounties, &Bounties::BYTECODE, &fourth.abi_encode()),
            creation(Contract::Releases, &Releases::BYTECODE, &fifth.abi_encode()),
        ]
    }

    /// Where a contract stands.
    pub const fn address(&self, contract: Contract) -> Address {
        match contract {
            Contract::Registrar => self.registrar,
            Contract::Relationships => self.relationships,
            Contract::Consents => self.consents,
            Contract::Bounties => self.bounties,
            Contract::Releases => self.releases,
        }
    }

    /// Which contract stands at an address.
    pub fn contract_at(&self, address: Address) -> Option<Contract> {
        Contract::ALL.into_iter().find(|contract| self.address(*contract) == address)
    }

    /// A call to be sent.
    pub fn act<C: ContractCall>(&self, call: &C) -> Act {
        Act {
            what: format!("{}.{}", C::CONTRACT, C::SIGNATURE),
            to: Some(self.address(C::CONTRACT)),
            data: call.abi_encode().into(),
            value: U256::ZERO,
        }
    }

    /// The EIP-712 domain of a contract.
    pub fn domain(&self, contract: Contract) -> Eip712Domain {
        signed::domain(contract.name(), self.chain_id, self.address(contract))
    }

    /// What `signer` has to sign so that anybody can carry the act: the EIP-712 digest. For wallets that sign
    /// elsewhere; [`Contracts::authorise`] signs here.
    ///
    /// `nonce` is the signer's next one at that contract ([`Reader::nonce`]), `deadline_s` the last Unix second at which the
    /// signature is good.
    pub fn digest<M: SignedMessage>(
        &self,
        message: &M,
        signer: Address,
        nonce: U256,
        deadline_s: u64,
    ) -> B256 {
        let typed = message.typed(signer, nonce, U256::from(deadline_s));
        typed.eip712_signing_hash(&self.domain(M::CONTRACT))
    }

    /// Signs a message of the contracts; the arguments are those of [`Contracts::digest`].
    ///
    /// # Errors
    /// [`ChainError::Signing`] when the signer will not.
    pub async fn authorise<M: SignedMessage, S: Signer + Send + Sync + ?Sized>(
        &self,
        message: &M,
        signer: &S,
        nonce: U256,
        deadline_s: u64,
    ) -> Result<Authorisation, ChainError> {
        let account = signer.address();
        let digest = self.digest(message, account, nonce, deadline_s);
        let signature = signer.sign_hash(&digest).await;
        let signature = signature.map_err(|error| ChainError::Signing { account, why: error.to_string() })?;
        Ok(Authorisation { signer: account, deadline_s, signature: signature.as_bytes().into() })
    }

    /// The signed act as a call that any account may send.
    pub fn relay<A: SignedAct>(&self, act: &A, authorisation: &Authorisation) -> Act {
        self.act(&act.carried(authorisation))
    }
}

fn creation(contract: Contract, code: &Bytes, arguments: &[u8]) -> Act {
    let data = [code.as_ref(), arguments].concat().into();
    Act { what: format!("create {contract}"), to: None, data, value: U256::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creation_addresses_are_those_of_consecutive_nonces() {
        // The first accounts that go-ethereum's own test creates: address and nonce to contract address.
        let deployer = "0x970e8128ab834e8eac17ab8e3812f010678cf791".parse().unwrap();
        let contracts = Contracts::predicted(1, deployer, 0);
        assert_eq!(
            contracts.registrar,
            "0x333c3310824b7c685133f2bedb2ca4b8b4df633d".parse::<Address>().unwrap()
        );
        assert_eq!(
            contracts.consents,
            "0x8bda78331c916a08481428e4b07c96d3e916d165".parse::<Address>().unwrap()
        );
        assert_eq!(contracts.contract_at(contracts.bounties), Some(Contract::Bounties));
    }
}
