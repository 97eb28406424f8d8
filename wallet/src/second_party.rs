//! A second party that has to agree: to a grant, an appointment, a release to research, and to its own replacement.
//!
//! It agrees to one exact item, which the chain knows by a hash. A second party may read nothing at a gatekeeper for its office
//! alone, so the patient hands it the document in a file; the file is held against the chain before anything is signed. To be
//! replaced or released it signs a file in turn, which the patient signs too and has carried.
//!
//! Consents knows patients and second parties by their keys.

use std::path::Path;

use alloy_primitives::{Address as ChainAddress, B256};
use medrec_chain::Contract;
use medrec_chain::acts::{Authorisation, consents};
use medrec_contracts::Consents;
use medrec_contracts::hashes::{appointment_item, research_item};
use medrec_domain::identifier::Address;
use medrec_domain::{ConsentDocument, Digest};
use medrec_protocol::bridge::{from_chain, research_purpose, to_chain, to_word};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::consent::{nano_rho, unix_seconds};
use crate::desk::{Carried, Desk, terms_of};
use crate::disk::write_whole;
use crate::error::WalletError;
use crate::keystore::StoredConsent;

/// Longest life of the signature in a handover, in hours: a year.
pub const MOST_HOURS: u64 = 8_784;

/// What a second party agreed to, or took its agreement back from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// What the chain knows it by.
    pub item: Digest,
    /// The act.
    #[serde(flatten)]
    pub carried: Carried,
}

/// A second party's word that it may be replaced or released: one of two signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// The patient's account.
    pub patient: Address,
    /// The patient's key.
    pub patient_key: Address,
    /// The second party that signed.
    pub from: Address,
    /// Who follows; `None` for nobody.
    pub to: Option<Address>,
    /// Its signature.
    pub authorisation: Authorisation,
}

/// Writes a consent for a second party: a file that its owner alone may read, since it says what the chain hides.
///
/// # Errors
/// [`WalletError::File`], also when something is there.
pub fn write_consent(path: &Path, consent: &StoredConsent) -> Result<(), WalletError> {
    write(path, consent, 0o600)
}

/// Reads a consent's file.
///
/// # Errors
/// [`WalletError::File`]; [`WalletError::Form`] when it is no consent, or its commitment is another one's.
pub fn read_consent(path: &Path) -> Result<StoredConsent, WalletError> {
    let consent: StoredConsent = read(path)?;
    check_commitment(&consent.document, &consent.salt.0, &consent.commitment)
        .map_err(|problem| WalletError::Form { path: path.to_path_buf(), problem })?;
    Ok(consent)
}

/// Whether a document has a commitment: who shows one may have changed the other.
///
/// # Errors
/// What is wrong, in words.
pub fn check_commitment(
    document: &ConsentDocument,
    salt: &[u8; 32],
    commitment: &Digest,
) -> Result<(), String> {
    match document.commitment(salt) {
        Ok(own) if own == *commitment => Ok(()),
        Ok(own) => Err(format!("the document's commitment is {own}, not {commitment}")),
        Err(error) => Err(error.to_string()),
    }
}

impl Handover {
    /// Writes it to a file, which must not exist.
    ///
    /// # Errors
    /// [`WalletError::File`].
    pub fn write(&self, path: &Path) -> Result<(), WalletError> {
        write(path, self, 0o600)
    }

    /// Reads its file.
    ///
    /// # Errors
    /// [`WalletError::File`], [`WalletError::Form`].
    pub fn read(path: &Path) -> Result<Self, WalletError> {
        read(path)
    }

    fn change(&self) -> consents::CosignerChange {
        consents::CosignerChange {
            patient: to_chain(self.patient_key),
            from: to_chain(self.from),
            to: self.to.map_or(ChainAddress::ZERO, to_chain),
        }
    }
}

fn write(path: &Path, value: &impl Serialize, mode: u32) -> Result<(), WalletError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| WalletError::Form { path: path.to_path_buf(), problem: error.to_string() })?;
    write_whole(path, (text + "\n").as_bytes(), mode, false).map_err(WalletError::file(path))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, WalletError> {
    let bytes = std::fs::read(path).map_err(WalletError::file(path))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| WalletError::Form { path: path.to_path_buf(), problem: error.to_string() })
}

impl Desk {
    /// The key of the patient's second party; `None` while there is none.
    ///
    /// # Errors
    /// [`WalletError::NotRegistered`]; [`WalletError::Chain`].
    pub async fn second_party(&self) -> Result<Option<Address>, WalletError> {
        let patient = self.patient_key().await?;
        let view = self.place.view().await?;
        let cosigner =
            self.place.contracts.at(&view).ask(&Consents::cosignerOfCall { patientKey: patient }).await?;
        Ok(Some(cosigner).filter(|cosigner| !cosigner.is_zero()).map(from_chain))
    }

    /// Asks, as the patient, that an account has to agree from now on, to what was given before too.
    ///
    /// # Errors
    /// [`WalletError::NotRegistered`] for an account that is none; [`WalletError::Act`] with the contract's refusal; as
    /// [`Desk::carry`].
    pub async fn require_second_party(&self, account: Address) -> Result<Carried, WalletError> {
        let cosigner = self.place.key_of(account).await?;
        self.carry_rehearsed(&consents::RequireCosigner { cosigner }).await
    }

    /// Agrees, as the second party, to a consent that stands on chain, or takes that back.
    ///
    /// # Errors
    /// [`WalletError::Unknown`] when the signer is not the second party, or the consent is not what stands on chain; as
    /// [`Desk::carry`].
    pub async fn agree_to_consent(
        &self,
        document: &ConsentDocument,
        commitment: &Digest,
        agreed: bool,
    ) -> Result<Agreement, WalletError> {
        let (chain_id, provider) = (self.place.contracts.chain_id, self.gatekeeper.provider());
        let is_meant = document.patient == self.patient
            && document.chain_id.0 == chain_id
            && document.provider == provider;
        if !is_meant {
            let problem = format!("the consent is not one of {} at this provider", self.patient);
            return Err(WalletError::Unknown(problem));
        }
        let patient = self.check_second_party().await?;
        let item = item_of(document, commitment)?;
        if agreed && !self.is_given(patient, document, commitment).await? {
            let problem =
                format!("{} has not put {commitment} in force on chain, or took it back", self.patient);
            let hint = "what is agreed to before it is given has no effect";
            return Err(WalletError::Unknown(format!("{problem}\n\nhint: {hint}")));
        }
        self.cosign(patient, item, agreed).await
    }

    /// Agrees, as the second party, to the appointment of a guardian as it stands on chain, or takes that back.
    ///
    /// # Errors
    /// As [`Desk::agree_to_consent`].
    pub async fn agree_to_guardian(&self, guardian: Address, agreed: bool) -> Result<Agreement, WalletError> {
        let patient = self.check_second_party().await?;
        let view = self.place.view().await?;
        let call = Consents::appointmentOfCall { patientKey: patient, guardian: to_chain(guardian) };
        let held = self.place.contracts.at(&view).ask(&call).await?;
        if held.expiry == 0 {
            let problem = format!("{guardian} is no guardian that {} appointed", self.patient);
            return Err(WalletError::Unknown(problem));
        }
        let item = appointment_item(to_chain(guardian), held.powers, held.start, held.expiry);
        self.cosign(patient, item, agreed).await
    }

    /// Signs, as the second party, that it may be replaced by an account, or released. The signature is good for so many hours,
    /// and until the signer's next act about consents.
    ///
    /// # Errors
    /// [`WalletError::Unknown`] when the signer is not the second party; [`WalletError::NotRegistered`]; [`WalletError::Chain`].
    pub async fn hand_over(&self, to: Option<Address>, hours: u64) -> Result<Handover, WalletError> {
        let patient = self.check_second_party().await?;
        let to = match to {
            Some(account) => Some(from_chain(self.place.key_of(account).await?)),
            None => None,
        };
        let from = from_chain(self.signer.address());
        let unsigned =
            Authorisation { signer: self.signer.address(), deadline_s: 0, signature: <_>::default() };
        let mut handover = Handover {
            patient: self.patient,
            patient_key: from_chain(patient),
            from,
            to,
            authorisation: unsigned,
        };
        let view = self.place.view().await?;
        let nonce = self.place.contracts.at(&view).nonce(Contract::Consents, self.signer.address()).await?;
        let deadline_s = view.head().timestamp_s.saturating_add(hours.min(MOST_HOURS) * 3_600);
        let change = handover.change();
        handover.authorisation =
            self.place.contracts.authorise(&change, &self.signer, nonce, deadline_s).await?;
        Ok(handover)
    }

    /// Replaces or releases the second party, with its handover.
    ///
    /// # Errors
    /// [`WalletError::Unknown`] for a handover about another patient; [`WalletError::Act`] with the contract's refusal, also
    /// when the handover's signature is no longer good; as [`Desk::carry`].
    pub async fn change_second_party(&self, handover: &Handover) -> Result<Carried, WalletError> {
        if handover.patient != self.patient || to_chain(handover.patient_key) != self.signer.address() {
            let problem = format!("the handover is about {}, not about {}", handover.patient, self.patient);
            return Err(WalletError::Unknown(problem));
        }
        let change = handover.change();
        let own = self.authorise(&change, &self.signer).await?;
        let call = Consents::changeCosignerCall {
            next: change.to,
            ofPatient: (&own).into(),
            ofCosigner: (&handover.authorisation).into(),
        };
        self.rehearse(&call).await?;
        self.carry_call(Contract::Consents, self.place.contracts.act(&call)).await
    }

    /// The patient's key, if the signer is her second party.
    async fn check_second_party(&self) -> Result<ChainAddress, WalletError> {
        let signer = from_chain(self.signer.address());
        let standing = self.second_party().await?;
        if standing != Some(signer) {
            let standing = standing.map_or_else(|| "there is none".to_owned(), |key| format!("it is {key}"));
            let problem = format!("{signer} is not the second party of {}: {standing}", self.patient);
            return Err(WalletError::Unknown(problem));
        }
        self.patient_key().await
    }

    /// Whether exactly this consent was given with the patient's present key.
    async fn is_given(
        &self,
        patient: ChainAddress,
        document: &ConsentDocument,
        commitment: &Digest,
    ) -> Result<bool, WalletError> {
        let view = self.place.view().await?;
        let reader = self.place.contracts.at(&view);
        if document.yearly_cap.is_none() {
            let terms = terms_of(document, commitment)?;
            let given = reader.ask(&Consents::grantedAtCall { patientKey: patient, terms }).await?;
            return Ok(!given.is_zero());
        }
        let call = Consents::researchOfCall { account: to_chain(self.patient), purpose: research_purpose() };
        let held = reader.ask(&call).await?.release;
        let standing = research_item(
            research_purpose(),
            held.scopeCommitment,
            held.start,
            held.expiry,
            held.yearlyCapNanoRho,
        );
        Ok(standing == item_of(document, commitment)?)
    }

    async fn cosign(
        &self,
        patient: ChainAddress,
        item: B256,
        agreed: bool,
    ) -> Result<Agreement, WalletError> {
        let carried = self.carry_rehearsed(&consents::Cosign { patient, item, agreed }).await?;
        Ok(Agreement { item: Digest(item.0), carried })
    }
}

/// What a second party agrees to when it agrees to a consent.
///
/// # Errors
/// [`WalletError::Act`] for times or a cap that the contract cannot hold.
pub fn item_of(document: &ConsentDocument, commitment: &Digest) -> Result<B256, WalletError> {
    let Some(cap) = &document.yearly_cap else { return terms_of(document, commitment) };
    Ok(research_item(
        research_purpose(),
        to_word(*commitment),
        unix_seconds(document.start_s)?,
        unix_seconds(document.expiry_s)?,
        nano_rho(cap)?,
    ))
}
