//! The audit log as it lies in the store, and its verification.

use medrec_domain::identifier::Address;
use medrec_domain::{Digest, canonical};
use medrec_protocol::methods::records::AuditEntry;
use serde::{Deserialize, Serialize};

use super::{Change, Fault, Look, Pair, Shelf, Store};
use crate::error::GatekeeperError;

const HEAD: &[u8] = b"audit-head";

/// The head of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditHead {
    /// Number of entries.
    pub(crate) length: u64,
    /// Digest of the last one; zeros before the first.
    pub(crate) head: Digest,
}

impl AuditHead {
    /// The head of an empty log.
    const EMPTY: Self = Self { length: 0, head: Digest([0; 32]) };
}

fn of_patient(patient: Address, sequence: u64) -> Vec<u8> {
    [patient.0.as_slice(), &sequence.to_be_bytes()].concat()
}

impl Change {
    /// Puts an entry, and where its patient finds it.
    pub(crate) fn put_audit_entry(&self, entry: &AuditEntry) -> Result<(), Fault> {
        if let Some(patient) = entry.patient {
            self.put(Shelf::AuditOf, &of_patient(patient, entry.sequence), &entry.sequence)?;
        }
        self.put(Shelf::Audit, &entry.sequence.to_be_bytes(), entry)
    }

    /// Puts the head.
    pub(crate) fn put_audit_head(&self, head: &AuditHead) -> Result<(), Fault> {
        self.put(Shelf::Notes, HEAD, head)
    }
}

impl Store {
    /// Entries that concern a patient, after a known one.
    pub(crate) fn audit_of(
        &self,
        patient: Address,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, GatekeeperError> {
        self.look(|look| {
            let after = of_patient(patient, after);
            let found: Vec<Pair<u64>> = look.scan(Shelf::AuditOf, &patient.0, Some(&after), limit)?;
            let entries = found.into_iter().map(|(_, sequence)| {
                let entry = look.get(Shelf::Audit, &sequence.to_be_bytes())?;
                entry.ok_or_else(|| Fault(format!("there is no audit entry {sequence}")))
            });
            entries.collect()
        })
    }

    /// The head that the log had after so many entries; `None` if it never had so many.
    pub(crate) fn audit_head_at(&self, entries: u64) -> Result<Option<Digest>, GatekeeperError> {
        let entry: Option<AuditEntry> = self.get(Shelf::Audit, &entries.to_be_bytes())?;
        Ok(entry.map(|entry| canonical::digest(&entry)).transpose()?)
    }

    /// Verifies the whole log and returns its head.
    pub(crate) fn verified_audit_head(&self) -> Result<AuditHead, GatekeeperError> {
        let damage = self.look(|look| {
            let stored = look.get::<AuditHead>(Shelf::Notes, HEAD).map_err(|_| ());
            let Ok(stored) = stored else { return Ok(Err((0, "its head is none"))) };
            let stored = stored.unwrap_or(AuditHead::EMPTY);
            let mut head = AuditHead::EMPTY;
            let mut damage = None;
            look.each(Shelf::Audit, |key, bytes| {
                let sequence = head.length + 1;
                match check(look, key, bytes, &head) {
                    Ok(next) => {
                        head = next;
                        true
                    }
                    Err(why) => {
                        damage = Some((sequence, why));
                        false
                    }
                }
            })?;
            if damage.is_none() && head != stored {
                damage = Some((
                    head.length.min(stored.length) + 1,
                    "the log is shorter or longer than its head says",
                ));
            }
            Ok(damage.map_or(Ok(head), Err))
        })?;
        damage.map_err(|(sequence, why)| GatekeeperError::AuditDamaged {
            path: self.path().to_owned(),
            sequence,
            why,
        })
    }
}

/// The head after an entry, if it follows.
fn check(look: &Look, key: &[u8], bytes: &[u8], head: &AuditHead) -> Result<AuditHead, &'static str> {
    let entry: AuditEntry =
        canonical::decode("audit entry", bytes).map_err(|_| "it has not the form of an entry")?;
    if entry.sequence != head.length + 1 || key != entry.sequence.to_be_bytes() {
        return Err("it has another number");
    }
    if entry.previous != head.head {
        return Err("it does not follow the entry before it");
    }
    if let Some(patient) = entry.patient {
        let found = look.get::<u64>(Shelf::AuditOf, &of_patient(patient, entry.sequence));
        if !matches!(found, Ok(Some(sequence)) if sequence == entry.sequence) {
            return Err("its patient does not find it");
        }
    }
    Ok(AuditHead { length: entry.sequence, head: medrec_domain::keccak256(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Address = Address([1; 20]);

    fn entry(head: &AuditHead, about: &str) -> AuditEntry {
        AuditEntry {
            sequence: head.length + 1,
            time_s: 7,
            actor: Address([2; 20]),
            signer: Address([2; 20]),
            method: "records/read".to_owned(),
            patient: Some(PATIENT),
            about: about.to_owned(),
            is_allowed: true,
            previous: head.head,
        }
    }

    fn log(entries: u64) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.redb")).unwrap();
        let mut head = AuditHead::EMPTY;
        store
            .change(|change| {
                for number in 0..entries {
                    let entry = entry(&head, &format!("question {number}"));
                    change.put_audit_entry(&entry)?;
                    head = AuditHead { length: entry.sequence, head: canonical::digest(&entry)? };
                }
                change.put_audit_head(&head)
            })
            .unwrap();
        assert_eq!(store.verified_audit_head().unwrap(), head);
        (folder, store)
    }

    fn damaged_at(store: &Store) -> u64 {
        match store.verified_audit_head() {
            Err(GatekeeperError::AuditDamaged { sequence, .. }) => sequence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_kind_of_damage_is_found_at_its_entry() {
        let key = |sequence: u64| sequence.to_be_bytes();
        let (_folder, store) = log(5);
        let mut changed: AuditEntry = store.get(Shelf::Audit, &key(3)).unwrap().unwrap();
        changed.is_allowed = false;
        store.put(Shelf::Audit, &key(3), &changed).unwrap();
        assert_eq!(damaged_at(&store), 4, "the next one holds the digest of what was there");
        let (_folder, store) = log(5);
        store.change(|change| change.remove(Shelf::Audit, &key(2))).unwrap();
        assert_eq!(damaged_at(&store), 2);
        let (_folder, store) = log(5);
        store.change(|change| change.remove(Shelf::Audit, &key(5))).unwrap();
        assert_eq!(damaged_at(&store), 5, "cut at its end");
        let (_folder, store) = log(5);
        let mut last: AuditEntry = store.get(Shelf::Audit, &key(5)).unwrap().unwrap();
        last.about = "nothing".to_owned();
        store.put(Shelf::Audit, &key(5), &last).unwrap();
        assert_eq!(damaged_at(&store), 6, "the head is that of another last entry");
        let (_folder, store) = log(5);
        store.change(|change| change.remove(Shelf::AuditOf, &of_patient(PATIENT, 4))).unwrap();
        assert_eq!(damaged_at(&store), 4, "hidden from its patient");
        let (_folder, store) = log(5);
        store.put(Shelf::Audit, &key(1), &"text").unwrap();
        assert_eq!(damaged_at(&store), 1);
    }

    #[test]
    fn a_patient_gets_her_entries_page_by_page_and_nobody_elses() {
        let (_folder, store) = log(5);
        let sequences = |patient, after, limit| -> Vec<u64> {
            let entries = store.audit_of(patient, after, limit).unwrap();
            entries.into_iter().map(|entry| entry.sequence).collect()
        };
        assert_eq!(sequences(PATIENT, 0, 2), [1, 2]);
        assert_eq!(sequences(PATIENT, 2, 100), [3, 4, 5]);
        assert!(sequences(Address([2; 20]), 0, 100).is_empty());
        assert_eq!(store.audit_head_at(5).unwrap(), Some(store.verified_audit_head().unwrap().head));
        assert_eq!(store.audit_head_at(6).unwrap(), None);
    }
}
