//! A lost key: guardians that a patient named put another one in its place.
//!
//! The Registrar holds the rules: so many of the guardians have to support exactly one new key, three days pass in which the
//! present key can stop them, then the new key takes over. Guardians are named by the key that they have when they are named.
//!
//! What not: what guardians may do day by day; that is an appointment in Consents.

use alloy_primitives::Address as ChainAddress;
use medrec_chain::acts::registrar;
use medrec_contracts::Registrar;
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::{from_chain, to_chain};
use serde::Serialize;

use crate::desk::{Carried, Desk};
use crate::error::WalletError;
use crate::network::Place;

/// How far a recovery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveryStage {
    /// The account names no guardians: nobody can recover it.
    NoGuardians,
    /// More guardians have to support it.
    NeedsSupport,
    /// Enough support it; the delay runs.
    Waiting,
    /// The new key can take over.
    Ready,
    /// The key speaks for the account.
    Done,
}

/// A recovery as the chain has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// The account.
    pub account: Address,
    /// The key that shall speak for it.
    pub key: Address,
    /// How far it is.
    pub stage: RecoveryStage,
    /// The keys of those who can support it.
    pub guardians: Vec<Address>,
    /// How many of them it takes.
    pub threshold: u8,
    /// Those who support it.
    pub supporters: Vec<Address>,
    /// Unix second from which it can be finished; `None` while it lacks support.
    pub ready_at_s: Option<u64>,
    /// The time of the newest block.
    pub head_time_s: u64,
    /// Grows whenever guardians or key change, or the key stops a recovery: earlier support is void then.
    #[serde(skip)]
    round: u64,
}

impl Place {
    /// How far the recovery of an account with a key is.
    ///
    /// # Errors
    /// [`WalletError::NotRegistered`] for an account that is none; [`WalletError::Chain`].
    pub async fn recovery(&self, account: Address, key: Address) -> Result<Recovery, WalletError> {
        let view = self.view().await?;
        let reader = self.contracts.at(&view);
        let (account_word, new_key) = (to_chain(account), to_chain(key));
        let present = reader.key_of(account_word).await?;
        let present =
            present.ok_or(WalletError::NotRegistered { account: account_word, what: "participant" })?;
        let set = reader.ask(&Registrar::guardiansOfCall { account: account_word }).await?;
        let call = Registrar::recoveryCall { account: account_word, newKey: new_key };
        let found = reader.ask(&call).await?;
        let head_time_s = view.head().timestamp_s;
        let ready_at_s = Some(found.readyAt.saturating_to::<u64>()).filter(|&ready| ready != 0);
        let stage = match ready_at_s {
            _ if present == new_key => RecoveryStage::Done,
            Some(ready) if ready <= head_time_s => RecoveryStage::Ready,
            Some(_) => RecoveryStage::Waiting,
            None if set.threshold == 0 => RecoveryStage::NoGuardians,
            None => RecoveryStage::NeedsSupport,
        };
        Ok(Recovery {
            account,
            key,
            stage,
            guardians: set.members.into_iter().map(from_chain).collect(),
            threshold: set.threshold,
            supporters: found.supporters.into_iter().map(from_chain).collect(),
            ready_at_s,
            head_time_s,
            round: set.round,
        })
    }

    /// The present keys of accounts.
    ///
    /// # Errors
    /// [`WalletError::NotRegistered`] with the first that is no participant; [`WalletError::Chain`].
    pub async fn keys_of(&self, accounts: &[Address]) -> Result<Vec<ChainAddress>, WalletError> {
        let mut keys = Vec::with_capacity(accounts.len());
        for account in accounts {
            keys.push(self.key_of(*account).await?);
        }
        Ok(keys)
    }
}

impl Recovery {
    /// Why it cannot be finished now, in words; `None` if it can.
    pub fn obstacle(&self) -> Option<String> {
        match self.stage {
            RecoveryStage::Ready => None,
            RecoveryStage::Done => Some(format!("{} speaks for {} already", self.key, self.account)),
            RecoveryStage::NoGuardians => Some(format!("{} names no guardians", self.account)),
            RecoveryStage::NeedsSupport => Some(format!(
                "{} of {} guardians support it, {} are needed\n\nhint: each runs `medrec patient recovery support {} --for {}`",
                self.supporters.len(),
                self.guardians.len(),
                self.threshold,
                self.key,
                self.account
            )),
            RecoveryStage::Waiting => {
                let left_s = self.ready_at_s.unwrap_or_default().saturating_sub(self.head_time_s);
                Some(format!(
                    "its delay runs for {} h {} min more; the present key can stop it until then",
                    left_s / 3_600,
                    left_s % 3_600 / 60
                ))
            }
        }
    }
}

impl Desk {
    /// Names the guardians that together can recover the account, by their accounts, in place of those before; none with a
    /// threshold of 0.
    ///
    /// # Errors
    /// [`WalletError::NotRegistered`] for one that is no participant; [`WalletError::Act`] with the contract's refusal;
    /// as [`Desk::carry`].
    pub async fn name_guardians(&self, accounts: &[Address], threshold: u8) -> Result<Carried, WalletError> {
        let guardians = self.place.keys_of(accounts).await?;
        let act = registrar::SetGuardians { account: to_chain(self.patient), guardians, threshold };
        self.carry_rehearsed(&act).await
    }

    /// Supports, as a guardian, that another key speaks for the patient's account.
    ///
    /// # Errors
    /// [`WalletError::Unknown`] when the signer is none of the guardians, or the key is taken; [`WalletError::Act`] with the
    /// contract's refusal; as [`Desk::carry`].
    pub async fn support_recovery(&self, key: Address) -> Result<Carried, WalletError> {
        let recovery = self.place.recovery(self.patient, key).await?;
        let signer = from_chain(self.signer.address());
        if !recovery.guardians.contains(&signer) {
            let named: Vec<_> = recovery.guardians.iter().map(ToString::to_string).collect();
            let named = if named.is_empty() { "nobody".to_owned() } else { named.join(", ") };
            return Err(WalletError::Unknown(format!(
                "{signer} is no guardian that can recover {}\n\nhint: named were {named}, by the keys that they had then",
                self.patient
            )));
        }
        let view = self.place.view().await?;
        if let Some(taken) = self.place.contracts.at(&view).account_of(to_chain(key)).await? {
            let problem = format!("the key {key} speaks for {taken} already, and a key serves once");
            let hint = "`medrec patient recovery begin` makes a fresh one";
            return Err(WalletError::Unknown(format!("{problem}\n\nhint: {hint}")));
        }
        let (account, new_key) = (to_chain(self.patient), to_chain(key));
        self.carry_rehearsed(&registrar::SupportRecovery { account, new_key, round: recovery.round }).await
    }

    /// Has the signer, a new key, take over the patient's account.
    ///
    /// # Errors
    /// [`WalletError::Act`] with what is missing; [`WalletError::Act`] with the contract's refusal; as [`Desk::carry`].
    pub async fn finish_recovery(&self) -> Result<Carried, WalletError> {
        let recovery = self.place.recovery(self.patient, from_chain(self.signer.address())).await?;
        if let Some(problem) = recovery.obstacle() {
            return Err(WalletError::Act { act: "the recovery cannot be finished".to_owned(), problem });
        }
        self.carry_rehearsed(&registrar::KeyAcceptance { account: to_chain(self.patient) }).await
    }

    /// Stops, with the account's present key, every recovery in progress.
    ///
    /// # Errors
    /// [`WalletError::Act`] with the contract's refusal; as [`Desk::carry`].
    pub async fn cancel_recovery(&self) -> Result<Carried, WalletError> {
        let account = self.patient;
        let round = self.place.recovery(account, account).await?.round;
        self.carry_rehearsed(&registrar::CancelRecovery { account: to_chain(account), round }).await
    }
}
