//! Consent documents with their salts, as they came.

use medrec_domain::identifier::Address;
use medrec_domain::{ConsentDocument, Digest};
use medrec_protocol::Hexadecimal;
use serde::{Deserialize, Serialize};

use super::{Link, Look, Pair, Shelf, Store};
use crate::error::GatekeeperError;
use crate::rewards::{ConsentBook, LinkedPatient, SourceError};

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentRow {
    /// Its place among all documents, by time of coming.
    pub(crate) sequence: u64,
    /// The document. Its signature was checked when it came.
    pub(crate) document: ConsentDocument,
    /// Its salt.
    pub(crate) salt: Hexadecimal<32>,
    /// `keccak256(salt || digest)`.
    pub(crate) commitment: Digest,
}

/// What became of a document that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is on the disk.
    Stored,
    /// The patient has as many as are kept.
    Full,
}

fn key(patient: Address, commitment: &Digest) -> Vec<u8> {
    [patient.0.as_slice(), &commitment.0].concat()
}

impl Look {
    /// The documents of a patient, oldest first.
    fn documents_of(&self, patient: Address) -> Result<Vec<DocumentRow>, super::Fault> {
        let found: Vec<Pair<DocumentRow>> = self.scan(Shelf::Documents, &patient.0, None, usize::MAX)?;
        let mut rows: Vec<_> = found.into_iter().map(|(_, row)| row).collect();
        rows.sort_unstable_by_key(|row| row.sequence);
        Ok(rows)
    }
}

impl Store {
    /// The documents of a patient, oldest first.
    pub(crate) fn documents(&self, patient: Address) -> Result<Vec<DocumentRow>, GatekeeperError> {
        self.look(|look| look.documents_of(patient))
    }

    /// Keeps a document; one that is kept already stays as it is.
    pub(crate) fn keep(
        &self,
        document: ConsentDocument,
        salt: Hexadecimal<32>,
        commitment: Digest,
        most: usize,
    ) -> Result<Kept, GatekeeperError> {
        let patient = document.patient;
        self.change(|change| {
            let key = key(patient, &commitment);
            if change.get::<DocumentRow>(Shelf::Documents, &key)?.is_some() {
                return Ok(Kept::Stored);
            }
            let count = change.scan::<DocumentRow>(Shelf::Documents, &patient.0, None, most)?.len();
            if count >= most {
                return Ok(Kept::Full);
            }
            let sequence = change.get::<u64>(Shelf::Notes, b"documents")?.unwrap_or(0) + 1;
            change.put(Shelf::Notes, b"documents", &sequence)?;
            change.put(Shelf::Documents, &key, &DocumentRow { sequence, document, salt, commitment })?;
            Ok(Kept::Stored)
        })
    }

    /// Deletes a document and its salt, and tells whether there was one.
    pub(crate) fn erase(&self, patient: Address, commitment: &Digest) -> Result<bool, GatekeeperError> {
        self.change(|change| change.remove(Shelf::Documents, &key(patient, commitment)))
    }
}

impl ConsentBook for Store {
    fn linked(&self) -> Result<Vec<LinkedPatient>, SourceError> {
        let linked = self.look(|look| {
            let mut linked = Vec::new();
            for (account, link) in look.scan::<Link>(Shelf::Links, &[], None, usize::MAX)? {
                let account = account.as_slice().try_into().map(Address)?;
                let documents = look.documents_of(account)?;
                let documents = documents.into_iter().map(|row| (row.document, row.salt.0)).collect();
                let account = medrec_protocol::bridge::to_chain(account);
                linked.push(LinkedPatient { account, source_id: link.source_id, documents });
            }
            Ok(linked)
        });
        Ok(linked?)
    }
}
