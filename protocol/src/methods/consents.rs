//! Consent documents in and out.

use medrec_domain::identifier::Address;
use medrec_domain::{ConsentDocument, Digest};
use serde::{Deserialize, Serialize};

use super::methods;
use crate::signed::Hexadecimal;

methods! {
    /// Leaves a document, signed by whom it names as its signer. The chain's grant makes it count.
    Put "consents/put" (PutBody) -> PutAnswer;
    /// The documents about one patient.
    List "consents/list" (ListBody) -> ListAnswer;
    /// Deletes a document and its salt; what the chain holds then says nothing any more.
    Erase "consents/erase" (EraseBody) -> EraseAnswer;
}

/// A document with its salt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutBody {
    /// The document.
    pub document: ConsentDocument,
    /// 32 random bytes: the chain's commitment is `keccak256(salt || digest)`.
    pub salt: Hexadecimal<32>,
}

/// It is on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutAnswer {
    /// Its commitment, whose first 24 bytes are in the grant's terms.
    pub commitment: Digest,
}

/// Whose documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListBody {
    /// The patient's account.
    pub patient: Address,
}

/// Documents about one patient that the signer may see: all for herself, else those given to the signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListAnswer {
    /// The documents, oldest first.
    pub documents: Vec<StoredDocument>,
}

/// A document as it lies at the gatekeeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredDocument {
    /// The document.
    pub document: ConsentDocument,
    /// Its salt.
    pub salt: Hexadecimal<32>,
    /// Its commitment.
    pub commitment: Digest,
    /// Whether the chain holds it in force at its newest block.
    pub is_in_force: bool,
}

/// Which document to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseBody {
    /// The patient's account.
    pub patient: Address,
    /// The document's commitment.
    pub commitment: Digest,
}

/// Whether there was one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseAnswer {
    /// Whether a document was deleted.
    pub erased: bool,
}
