//! What the contracts say at one block.
//!
//! Why here: a permission check is several questions, and all of them are answered at the view's block.
//! What not: decisions; whoever asks draws the conclusions.

use alloy_primitives::{Address, B256, FixedBytes, U256};
use medrec_contracts::{Bounties, Consents, Registrar, Relationships, Releases};

use super::Contracts;
use super::words::{Progress, Role, Status};
use crate::client::View;
use crate::contract::{Contract, ContractCall};
use crate::error::ChainError;

/// A bounty's owner, and whether the block that made it the owner can still be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// The coinbase of the block that carried the update.
    pub owner: Address,
    /// That block's number.
    pub block_number: u64,
    /// That block's time, in Unix seconds.
    pub timestamp_s: u64,
    /// Blocks after it at the view's block.
    pub confirmations: u64,
    /// Whether the contracts count it as final (12 confirmations).
    pub is_valid: bool,
}

/// Questions to the contracts at one block.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    pub(super) view: &'a View,
    pub(super) contracts: &'a Contracts,
}

impl Contracts {
    /// What the contracts say at the view's block.
    pub fn at<'a>(&'a self, view: &'a View) -> Reader<'a> {
        Reader { view, contracts: self }
    }
}

impl Reader<'_> {
    /// Any function of any of the contracts; the methods below are the usual ones in Rust's words.
    ///
    /// # Errors
    /// Those of [`View::call`].
    pub async fn ask<C: ContractCall>(&self, call: &C) -> Result<C::Return, ChainError> {
        self.view.call(self.contracts.address(C::CONTRACT), call).await
    }

    /// One function with several arguments.
    ///
    /// # Errors
    /// Those of [`View::calls`].
    pub async fn ask_all<C: ContractCall>(&self, calls: &[C]) -> Result<Vec<C::Return>, ChainError> {
        self.view.calls(self.contracts.address(C::CONTRACT), calls).await
    }

    /// The role of an account.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn role_of(&self, account: Address) -> Result<Role, ChainError> {
        let number = self.ask(&Registrar::roleOfCall { account }).await?;
        Role::from_number(number).ok_or_else(|| self.unknown(Contract::Registrar, "role", number))
    }

    /// The key that speaks for an account now; `None` if it is no participant.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn key_of(&self, account: Address) -> Result<Option<Address>, ChainError> {
        let key = self.ask(&Registrar::keyOfCall { account }).await?;
        Ok(Some(key).filter(|key| !key.is_zero()))
    }

    /// The account that a key speaks for now; `None` if it speaks for none.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn account_of(&self, key: Address) -> Result<Option<Address>, ChainError> {
        let account = self.ask(&Registrar::accountOfCall { key }).await?;
        Ok(Some(account).filter(|account| !account.is_zero()))
    }

    /// What is public of a provider or researcher: name, endpoint, encryption key.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn institution(&self, account: Address) -> Result<Registrar::Institution, ChainError> {
        self.ask(&Registrar::institutionCall { account }).await
    }

    /// Every provider's account, in no order that means anything.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn providers(&self) -> Result<Vec<Address>, ChainError> {
        self.ask(&Registrar::providersCall {}).await
    }

    /// Where a patient and a provider stand.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn status_of(&self, patient: Address, provider: Address) -> Result<Status, ChainError> {
        let number = self.ask(&Relationships::statusOfCall { patient, provider }).await?;
        Status::from_number(number).ok_or_else(|| self.unknown(Contract::Relationships, "status", number))
    }

    /// Whether a grant of a patient's *account* is in force: given with its present key, within its period at the view's
    /// block, agreed to by the second party if there is one. `terms` come from [`medrec_contracts::hashes::terms`].
    ///
    /// The period is held against the block's time, which can be as old as the client's options allow.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn is_in_force(&self, account: Address, terms: B256) -> Result<bool, ChainError> {
        self.ask(&Consents::isInForceCall { account, terms }).await
    }

    /// [`Reader::is_in_force`] for several grants of one patient, in their order.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn are_in_force(&self, account: Address, terms: &[B256]) -> Result<Vec<bool>, ChainError> {
        let calls: Vec<_> =
            terms.iter().map(|terms| Consents::isInForceCall { account, terms: *terms }).collect();
        self.ask_all(&calls).await
    }

    /// A patient's release to research for one purpose, if it holds at the view's block.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn research_of(
        &self,
        account: Address,
        purpose: B256,
    ) -> Result<Option<Consents::ResearchRelease>, ChainError> {
        let answer = self.ask(&Consents::researchOfCall { account, purpose }).await?;
        Ok(answer.holds.then_some(answer.release))
    }

    /// Whether a guardian may do one kind of act for a patient's *key*: one of the POWER bits of Consents.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn may_act(
        &self,
        patient_key: Address,
        guardian: Address,
        power: u8,
    ) -> Result<bool, ChainError> {
        self.ask(&Consents::mayActCall { patientKey: patient_key, guardian, power }).await
    }

    /// Whether a group has a member.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn is_member(&self, group: Address, member: Address) -> Result<bool, ChainError> {
        self.ask(&Consents::isMemberCall { group, member }).await
    }

    /// Who owns a bounty; `None` if no such bounty was posted.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn ownership(&self, bounty: B256) -> Result<Option<Ownership>, ChainError> {
        let answer = self.ask(&Bounties::ownershipCall { bounty }).await?;
        let block_number = answer.posted.blockNumber.to::<u64>();
        Ok((block_number != 0).then(|| Ownership {
            owner: answer.posted.owner,
            block_number,
            timestamp_s: answer.posted.timestamp.to(),
            confirmations: answer.confirmations.saturating_to(),
            is_valid: answer.valid,
        }))
    }

    /// How far the claim of a bounty is, and the hash of the bundle that its provider named, if it did.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn claim_of(&self, bounty: B256) -> Result<(Progress, Option<B256>), ChainError> {
        let claim = self.ask(&Bounties::claimOfCall { bounty }).await?;
        let progress = Progress::from_number(claim.progress)
            .ok_or_else(|| self.unknown(Contract::Bounties, "progress", claim.progress))?;
        Ok((progress, Some(claim.bundleHash).filter(|hash| !hash.is_zero())))
    }

    /// What a provider committed for an epoch; `None` if nothing.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn release_of(
        &self,
        provider: Address,
        epoch: u64,
    ) -> Result<Option<Releases::Release>, ChainError> {
        let release = self.ask(&Releases::releaseOfCall { provider, epoch }).await?;
        Ok((release.committedAt != 0).then_some(release))
    }

    /// A provider's cap and what it has spent, in units of 1e-9 rho.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn budget_of(&self, provider: Address) -> Result<Releases::Budget, ChainError> {
        self.ask(&Releases::budgetOfCall { provider }).await
    }

    /// The head of a gatekeeper's audit log as last anchored: hash and number of entries.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn audit_head_of(&self, provider: Address) -> Result<(FixedBytes<32>, u64), ChainError> {
        let anchored = self.ask(&Releases::auditHeadOfCall { provider }).await?;
        Ok((anchored.head, anchored.entries))
    }

    /// The nonce of a signer's next signed act at a contract. Releases takes no signatures: zero.
    ///
    /// # Errors
    /// Those of [`Reader::ask`].
    pub async fn nonce(&self, contract: Contract, signer: Address) -> Result<U256, ChainError> {
        let owner = signer;
        match contract {
            Contract::Registrar => self.ask(&Registrar::noncesCall { owner }).await,
            Contract::Relationships => self.ask(&Relationships::noncesCall { owner }).await,
            Contract::Consents => self.ask(&Consents::noncesCall { owner }).await,
            Contract::Bounties => self.ask(&Bounties::noncesCall { owner }).await,
            Contract::Releases => Ok(U256::ZERO),
        }
    }

    /// Whether the five contracts stand at their addresses and name each other. Asked once, before anything is
    /// believed or sent.
    ///
    /// # Errors
    /// [`ChainError::NoContract`] with the first that is missing or names another one.
    pub async fn verify(&self) -> Result<(), ChainError> {
        let registrar = self.contracts.address(Contract::Registrar);
        let relationships = self.contracts.address(Contract::Relationships);
        let consents = self.contracts.address(Contract::Consents);
        let named = [
            (Contract::Registrar, self.ask(&Registrar::RELATIONSHIPSCall {}).await?, relationships),
            (Contract::Consents, self.ask(&Consents::REGISTRARCall {}).await?, registrar),
            (Contract::Relationships, self.ask(&Relationships::REGISTRARCall {}).await?, registrar),
            (Contract::Relationships, self.ask(&Relationships::CONSENTSCall {}).await?, consents),
            (Contract::Bounties, self.ask(&Bounties::REGISTRARCall {}).await?, registrar),
            (Contract::Bounties, self.ask(&Bounties::RELATIONSHIPSCall {}).await?, relationships),
            (Contract::Releases, self.ask(&Releases::REGISTRARCall {}).await?, registrar),
        ];
        for (contract, found, expected) in named {
            if found != expected {
                let why = format!("{contract} names {found} where {expected} stands");
                return Err(self.wrong(contract, why));
            }
        }
        Ok(())
    }

    fn unknown(&self, contract: Contract, what: &str, number: u8) -> ChainError {
        self.wrong(contract, format!("{what} {number} is none of ours"))
    }

    fn wrong(&self, contract: Contract, why: String) -> ChainError {
        ChainError::NoContract {
            contract: self.contracts.address(contract),
            block: self.view.head().block,
            why,
        }
    }
}
