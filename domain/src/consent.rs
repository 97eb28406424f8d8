//! Consent documents.
//!
//! A patient, or a guardian for her, says who may see what, what for, from when to when, and for
//! anonymised research how much privacy a year may cost. The document stays at the gatekeeper; the
//! chain holds a salted commitment to it. Without a document nothing is shared. The EIP-712 signature
//! over [`ConsentDocument::digest`] belongs to the rooms that know wallets.

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::digest::{Digest, keccak256_of};
use crate::error::DomainError;
use crate::identifier::{Address, ChainId};
use crate::privacy_loss::Rho;
use crate::scope::{Purpose, Scope};

/// Version of the document's form; a reader refuses any other.
pub const CONSENT_VERSION: u32 = 1;

const WHAT: &str = "consent document";

/// To whom consent is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Grantee {
    /// One account.
    Person {
        /// Its address.
        address: Address,
    },
    /// Everybody in a group that the chain keeps.
    Group {
        /// The group's id.
        id: Digest,
    },
    /// Whoever acts for the scope's purpose under the provider's policy: the grantee of
    /// `research-aggregate`, where no one person is meant.
    Purpose,
}

/// A consent document, in the form in which it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentDocument {
    /// [`CONSENT_VERSION`].
    pub version: u32,
    /// Chain on which the commitment stands.
    pub chain_id: ChainId,
    /// Provider at whose gatekeeper the records lie.
    pub provider: Address,
    /// The patient's delegate address for this provider.
    pub patient: Address,
    /// Who signs: the patient's delegate address, or a guardian's address.
    pub signer: Address,
    /// To whom.
    pub grantee: Grantee,
    /// What, and what for.
    pub scope: Scope,
    /// First second of validity, since 1970-01-01T00:00:00Z. Seconds, as block time; never milliseconds.
    pub start_s: u64,
    /// First second at which it is no longer valid. Every grant ends.
    pub expiry_s: u64,
    /// Most privacy loss in a year; required for `research-aggregate`, meaningless otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yearly_cap: Option<Rho>,
}

impl ConsentDocument {
    /// Checks that the document does not contradict itself.
    ///
    /// # Errors
    /// [`DomainError::Document`] naming the field at fault.
    pub fn check(&self) -> Result<(), DomainError> {
        let refuse = |field, problem: &str| Err(DomainError::document(WHAT, field, problem));
        if self.version != CONSENT_VERSION {
            return refuse("version", "is not one that this software reads");
        }
        // A time in milliseconds would be a date some 50,000 years ahead.
        if self.expiry_s > 253_402_300_799 {
            return refuse("expiry_s", "lies beyond the year 9999 (are these milliseconds?)");
        }
        if self.expiry_s <= self.start_s {
            return refuse("expiry_s", "does not lie after start_s");
        }
        let research = self.scope.purpose == Purpose::ResearchAggregate;
        match &self.yearly_cap {
            None if research => return refuse("yearly_cap", "is missing, and research-aggregate needs one"),
            Some(_) if !research => return refuse("yearly_cap", "is only meant for research-aggregate"),
            Some(cap) if cap.is_zero() => return refuse("yearly_cap", "is 0; revoke the consent instead"),
            _ => {}
        }
        if matches!(self.grantee, Grantee::Purpose) != research {
            return refuse("grantee", "is a purpose exactly for research-aggregate");
        }
        self.scope.check()
    }

    /// Whether the document is valid at block time `time_s` (seconds since 1970).
    pub fn is_in_force(&self, time_s: u64) -> bool {
        (self.start_s..self.expiry_s).contains(&time_s)
    }

    /// The canonical bytes: what is stored, hashed and sent.
    ///
    /// # Errors
    /// What [`Self::check`] finds; a document that contradicts itself has no bytes.
    pub fn to_canonical_bytes(&self) -> Result<Vec<u8>, DomainError> {
        self.check()?;
        canonical::encode(self)
    }

    /// Reads canonical bytes, and no others.
    ///
    /// # Errors
    /// [`DomainError::Decode`], [`DomainError::NotCanonical`], or what [`Self::check`] finds.
    pub fn from_canonical_bytes(bytes: &[u8]) -> Result<Self, DomainError> {
        let document: Self = canonical::decode(WHAT, bytes)?;
        document.check()?;
        Ok(document)
    }

    /// Keccak-256 of the canonical bytes: what the signer signs.
    ///
    /// # Errors
    /// As [`Self::to_canonical_bytes`].
    pub fn digest(&self) -> Result<Digest, DomainError> {
        self.to_canonical_bytes().map(|bytes| crate::digest::keccak256(&bytes))
    }

    /// The commitment that goes on chain: `keccak256(salt || digest)`.
    ///
    /// # Privacy
    /// With a fresh random salt it tells nothing about the document; destroying the salt erases it.
    ///
    /// # Errors
    /// As [`Self::to_canonical_bytes`].
    pub fn commitment(&self, salt: &[u8; 32]) -> Result<Digest, DomainError> {
        Ok(keccak256_of(&[salt, &self.digest()?.0]))
    }
}
