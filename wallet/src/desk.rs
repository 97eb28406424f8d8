//! A person at a provider: what she signs for the contracts, and the gatekeeper that carries it.
//!
//! Patients and guardians hold no ether. Each act is signed with the signer's next nonce and a deadline, handed to the
//! provider's gatekeeper, and looked after until it is in the chain. A signed act that waits makes another one with the same
//! nonce void, so acts are made one after the other.
//!
//! What not: which keystore the key is from; documents ([`crate::consent`] makes those).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address as ChainAddress, B256, hex};
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::acts::{Authorisation, SignedAct, SignedMessage, consents, registrar, relationships};
use medrec_chain::contracts::PatientAct;
use medrec_chain::{Act, Contract};
use medrec_contracts::Registrar;
use medrec_contracts::hashes::terms;
use medrec_domain::identifier::Address;
use medrec_domain::{ConsentDocument, Digest};
use medrec_protocol::Hexadecimal;
use medrec_protocol::bridge::{commitment_prefix, research_purpose, to_chain, to_word};
use medrec_protocol::methods::acts::{RelayBody, StateAnswer, StateBody};
use medrec_protocol::methods::{acts, consents as papers};
use serde::Serialize;

use crate::consent::{nano_rho, unix_seconds};
use crate::error::WalletError;
use crate::gatekeeper::GatekeeperClient;
use crate::network::Place;

/// For how long a signed act may wait to be carried, in seconds.
const DEADLINE_S: u64 = 3_600;
/// Pause between looks at a carried act.
const PAUSE: Duration = Duration::from_millis(300);

/// How far an act has to have come before its command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Settle {
    /// In a block.
    #[default]
    Included,
    /// In a block that has its confirmations.
    Confirmed,
}

/// An act that was carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// What it was.
    pub act: String,
    /// What the gatekeeper knows it by.
    pub key: Digest,
    /// How far it has come.
    #[serde(flatten)]
    pub state: StateAnswer,
}

/// A key at one provider's gatekeeper.
#[derive(Debug)]
pub struct Desk {
    /// The chain.
    pub place: Place,
    /// The gatekeeper.
    pub gatekeeper: GatekeeperClient,
    /// The key: the patient's, or a guardian's.
    pub signer: PrivateKeySigner,
    /// The patient's account.
    pub patient: Address,
    /// How far acts have to have come.
    pub settle: Settle,
    /// Longest wait for that.
    pub patience: Duration,
}

impl Desk {
    /// Signs an act, has it carried, and waits.
    ///
    /// # Errors
    /// [`WalletError::Act`] with the contract's reason, or when it takes too long (it may still come into the chain);
    /// those of a node and a gatekeeper.
    pub async fn carry<A: SignedAct>(&self, act: &A) -> Result<Carried, WalletError> {
        let signed = self.authorise(act, &self.signer).await?;
        self.carry_call(A::CONTRACT, self.place.contracts.relay(act, &signed)).await
    }

    /// Signs with the signer's next nonce.
    ///
    /// # Errors
    /// [`WalletError::Chain`].
    pub async fn authorise<M: SignedMessage>(
        &self,
        message: &M,
        signer: &PrivateKeySigner,
    ) -> Result<Authorisation, WalletError> {
        let view = self.place.view().await?;
        let nonce = self.place.contracts.at(&view).nonce(M::CONTRACT, signer.address()).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let deadline_s = view.head().timestamp_s.max(now).saturating_add(DEADLINE_S);
        Ok(self.place.contracts.authorise(message, signer, nonce, deadline_s).await?)
    }

    /// Has a call with its signatures inside carried, and waits.
    ///
    /// # Errors
    /// As [`Desk::carry`].
    pub async fn carry_call(&self, contract: Contract, act: Act) -> Result<Carried, WalletError> {
        let body =
            RelayBody { contract: contract.name().to_owned(), calldata: hex::encode_prefixed(&act.data) };
        let key = self.gatekeeper.ask::<acts::Relay>(&self.signer, &body).await?.key;
        self.follow(act.what, key).await
    }

    /// Looks after a carried act until it has come as far as it has to.
    ///
    /// # Errors
    /// As [`Desk::carry`].
    pub async fn follow(&self, act: String, key: Digest) -> Result<Carried, WalletError> {
        let deadline = tokio::time::Instant::now() + self.patience;
        loop {
            let state = self.gatekeeper.ask::<acts::State>(&self.signer, &StateBody { key }).await?;
            let problem = match &state {
                StateAnswer::Confirmed { .. } => return Ok(Carried { act, key, state }),
                StateAnswer::Included { .. } if self.settle == Settle::Included => {
                    return Ok(Carried { act, key, state });
                }
                StateAnswer::Reverted { reason } => format!("the contract refuses: {reason}"),
                StateAnswer::Dropped { reason } => format!("it was given up: {reason}"),
                _ if tokio::time::Instant::now() > deadline => format!(
                    "not in the chain after {} s; the gatekeeper goes on with it\n\nhint: its key is {key}",
                    self.patience.as_secs()
                ),
                _ => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            return Err(WalletError::Act { act, problem });
        }
    }

    /// Enters the signer as a patient of this provider, with its relationship accepted at once. The provider has invited
    /// the account before.
    ///
    /// # Errors
    /// As [`Desk::carry`].
    pub async fn onboard(&self, identity_commitment: B256) -> Result<Carried, WalletError> {
        let provider = to_chain(self.gatekeeper.provider());
        self.carry(&relationships::Onboard { provider, identity_commitment }).await
    }

    /// Asks for, accepts, rejects, takes note of or ends the relationship.
    ///
    /// # Errors
    /// As [`Desk::carry`].
    pub async fn relate(&self, act: PatientAct) -> Result<Carried, WalletError> {
        let (patient, provider) = (to_chain(self.patient), to_chain(self.gatekeeper.provider()));
        match act {
            PatientAct::Request => self.carry(&relationships::Request { patient, provider }).await,
            PatientAct::Accept => self.carry(&relationships::Accept { patient, provider }).await,
            PatientAct::Reject => self.carry(&relationships::Reject { patient, provider }).await,
            PatientAct::Acknowledge => self.carry(&relationships::Acknowledge { patient, provider }).await,
            PatientAct::End => self.carry(&relationships::End { patient, provider }).await,
        }
    }

    /// The patient's present key, under which her consents are held.
    ///
    /// # Errors
    /// [`WalletError::NotRegistered`]; [`WalletError::Chain`].
    pub async fn patient_key(&self) -> Result<ChainAddress, WalletError> {
        self.place.key_of(self.patient).await
    }

    /// Leaves a consent document at the gatekeeper, then puts it in force on chain: a research document by its release, any
    /// other by a grant.
    ///
    /// # Errors
    /// As [`Desk::carry`]; a document that contradicts itself.
    pub async fn consent(
        &self,
        document: &ConsentDocument,
        salt: Hexadecimal<32>,
    ) -> Result<Carried, WalletError> {
        let commitment = document.commitment(&salt.0)?;
        let body = papers::PutBody { document: document.clone(), salt };
        let answer = self.gatekeeper.ask::<papers::Put>(&self.signer, &body).await?;
        if answer.commitment != commitment {
            let problem = format!("stored another document ({}) than it was sent", answer.commitment);
            return Err(WalletError::OtherGatekeeper {
                endpoint: self.gatekeeper.endpoint().to_owned(),
                problem,
            });
        }
        let patient = self.patient_key().await?;
        if let Some(cap) = &document.yearly_cap {
            let release = consents::ReleaseToResearch {
                patient,
                purpose: research_purpose(),
                scope_commitment: to_word(commitment),
                start_s: unix_seconds(document.start_s)?,
                expiry_s: unix_seconds(document.expiry_s)?,
                yearly_cap_nano_rho: nano_rho(cap)?,
            };
            return self.carry(&release).await;
        }
        self.carry(&consents::Grant { patient, terms: terms_of(document, &commitment)? }).await
    }

    /// Takes a consent back on chain. Its document stays at the gatekeeper until it is erased.
    ///
    /// # Errors
    /// As [`Desk::carry`].
    pub async fn revoke(
        &self,
        document: &ConsentDocument,
        commitment: &Digest,
    ) -> Result<Carried, WalletError> {
        let patient = self.patient_key().await?;
        if document.yearly_cap.is_some() {
            let purpose = research_purpose();
            return self.carry(&consents::WithdrawFromResearch { patient, purpose }).await;
        }
        self.carry(&consents::Revoke { patient, terms: terms_of(document, commitment)? }).await
    }

    /// Hands the account over to another key: both sign. Everything that was granted with the old key is void from then on.
    ///
    /// # Errors
    /// As [`Desk::carry`].
    pub async fn rotate_key(&self, fresh: &PrivateKeySigner) -> Result<Carried, WalletError> {
        let account = to_chain(self.patient);
        let rotation = registrar::KeyRotation { account, new_key: fresh.address() };
        let of_old = self.authorise(&rotation, &self.signer).await?;
        let of_new = self.authorise(&registrar::KeyAcceptance { account }, fresh).await?;
        let call = Registrar::rotateKeyBySigCall { ofOldKey: (&of_old).into(), ofNewKey: (&of_new).into() };
        self.carry_call(Contract::Registrar, self.place.contracts.act(&call)).await
    }

    /// Takes the identity commitment off the chain's state.
    ///
    /// # Errors
    /// As [`Desk::carry`]; [`WalletError::Unknown`] when none stands there.
    pub async fn erase_identity(&self) -> Result<Carried, WalletError> {
        let account = to_chain(self.patient);
        let view = self.place.view().await?;
        let participant = self.place.contracts.at(&view).ask(&Registrar::participantCall { account }).await?;
        let identity_commitment = participant.identityCommitment;
        if identity_commitment.is_zero() {
            return Err(WalletError::Unknown("no identity commitment stands on the chain".to_owned()));
        }
        self.carry(&registrar::EraseIdentity { account, identity_commitment }).await
    }
}

/// The terms of a document's grant.
///
/// # Errors
/// [`WalletError::Act`] for times that the contract cannot hold.
pub fn terms_of(document: &ConsentDocument, commitment: &Digest) -> Result<B256, WalletError> {
    let (start, expiry) = (unix_seconds(document.start_s)?, unix_seconds(document.expiry_s)?);
    Ok(terms(commitment_prefix(commitment), start, expiry))
}
