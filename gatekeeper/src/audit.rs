//! The audit log: every decision, in a hash chain, on the disk before its answer leaves.
//!
//! One thread writes. Requests that wait at the same time share one transaction, so that the disk's pause is paid once for
//! all of them. Each entry holds the digest of the one before; the digest of the last one is the head, which goes on
//! chain now and then. What was written is verified when the gatekeeper starts.
//!
//! Refusals of strangers are counted, and the counts are an entry now and then: nobody can fill the log whom nobody knows.
//!
//! # Privacy
//! Entries name accounts, methods, tables and columns; never a value of a record.

mod tally;

use std::sync::Arc;

use medrec_domain::identifier::Address;
use medrec_domain::{Digest, canonical};
use medrec_protocol::RefusalCode;
use medrec_protocol::methods::notifications::NotificationEvent;
use medrec_protocol::methods::records::AuditEntry;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

use self::tally::Tally;
use crate::answer::Concern;
use crate::bell::Bell;
use crate::error::GatekeeperError;
use crate::store::{AuditHead, Store};

/// Entries that may wait to be written.
const MOST_WAITING: usize = 4_096;
/// Entries that share a transaction.
const MOST_TOGETHER: usize = 1_024;

/// A decision that is to be written.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    /// The second of it.
    pub(crate) time_s: u64,
    /// Who asked: the account, else the key.
    pub(crate) actor: Address,
    /// The key.
    pub(crate) signer: Address,
    /// The method.
    pub(crate) method: &'static str,
    /// What it was about.
    pub(crate) concern: Concern,
    /// Yes or no.
    pub(crate) is_allowed: bool,
    /// The patient who is to be told that the actor read her record.
    pub(crate) was_read: Option<Address>,
}

struct Waiting {
    decision: Decision,
    written: oneshot::Sender<Result<(), String>>,
}

/// The log.
pub(crate) struct Audit {
    waiting: mpsc::Sender<Waiting>,
    head: Arc<Mutex<AuditHead>>,
    strangers: Mutex<Tally>,
    /// Closed when the thread has ended, with the failure that ended it.
    ended: watch::Receiver<Option<String>>,
}

impl Audit {
    /// Verifies the log of the store and starts its thread, which ends with the last handle.
    pub(crate) fn open(store: Arc<Store>, bell: Bell) -> Result<Self, GatekeeperError> {
        let head = Arc::new(Mutex::new(store.verified_audit_head()?));
        let (waiting, queue) = mpsc::channel(MOST_WAITING);
        let (end, ended) = watch::channel(None);
        let shared = Arc::clone(&head);
        let path = store.path().to_owned();
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                let failure = write(&store, &bell, queue, &shared).err();
                end.send_replace(failure);
                // Whoever waits for the end may open the store again.
                drop(store);
                drop(end);
            })
            .map_err(GatekeeperError::io(&path))?;
        Ok(Self { waiting, head, strangers: Mutex::default(), ended })
    }

    /// Writes a decision; it is on the disk when this returns.
    pub(crate) async fn write(&self, decision: Decision) -> Result<(), String> {
        let (written, outcome) = oneshot::channel();
        let gone = || "the audit log is not written any more".to_owned();
        self.waiting.send(Waiting { decision, written }).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }

    /// Counts a refusal of a stranger.
    pub(crate) fn count(&self, code: RefusalCode, time_s: u64) {
        self.strangers.lock().count(code, time_s);
    }

    /// Writes what was counted since the last time; the entry's words, if there was something.
    pub(crate) async fn write_counts(&self, time_s: u64) -> Result<Option<String>, String> {
        let Some(about) = self.strangers.lock().take() else { return Ok(None) };
        let nobody = Address([0; 20]);
        let decision = Decision {
            time_s,
            actor: nobody,
            signer: nobody,
            method: "strangers",
            concern: Concern::nobody(about.clone()),
            is_allowed: false,
            was_read: None,
        };
        self.write(decision).await.map(|()| Some(about))
    }

    /// The head: the digest of the last entry, and how many there are.
    pub(crate) fn head(&self) -> AuditHead {
        *self.head.lock()
    }

    /// Resolves when the log is not written any more, with the reason.
    pub(crate) async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
        let failure = ended.borrow().clone();
        failure.unwrap_or_else(|| "its thread is gone".to_owned())
    }

    /// Writes what waits and ends the thread.
    pub(crate) async fn close(self, time_s: u64) {
        // What cannot be written any more was only counted.
        let _ = self.write_counts(time_s).await;
        let Self { waiting, mut ended, .. } = self;
        drop(waiting);
        while ended.changed().await.is_ok() {}
    }
}

/// Writes until nobody can send any more. A store that failed once is not written again before it is opened anew: what came
/// into the file is not known.
fn write(
    store: &Store,
    bell: &Bell,
    mut queue: mpsc::Receiver<Waiting>,
    head: &Mutex<AuditHead>,
) -> Result<(), String> {
    while let Some(first) = queue.blocking_recv() {
        let mut together = vec![first];
        while together.len() < MOST_TOGETHER {
            match queue.try_recv() {
                Ok(next) => together.push(next),
                Err(_) => break,
            }
        }
        let before = *head.lock();
        let decisions = together.iter().map(|waiting| &waiting.decision);
        let outcome = append(store, before, decisions);
        let outcome = outcome.map(|(after, has_notices)| {
            *head.lock() = after;
            if has_notices {
                bell.ring();
            }
        });
        let outcome = outcome.map_err(|error| error.to_string());
        for waiting in together {
            // Whoever asked may have gone; the entry stands all the same.
            let _ = waiting.written.send(outcome.clone());
        }
        outcome?;
    }
    Ok(())
}

/// Appends entries, with the notifications that go with them, in one transaction.
fn append<'a>(
    store: &Store,
    mut head: AuditHead,
    decisions: impl Iterator<Item = &'a Decision>,
) -> Result<(AuditHead, bool), GatekeeperError> {
    store.change(|change| {
        let mut has_notices = false;
        for decision in decisions {
            let entry = AuditEntry {
                sequence: head.length + 1,
                time_s: decision.time_s,
                actor: decision.actor,
                signer: decision.signer,
                method: decision.method.to_owned(),
                patient: decision.concern.patient,
                about: decision.concern.about.clone(),
                is_allowed: decision.is_allowed,
                previous: head.head,
            };
            change.put_audit_entry(&entry)?;
            head = AuditHead { length: entry.sequence, head: digest(&entry)? };
            if let Some(patient) = decision.was_read {
                let event = NotificationEvent::RecordRead { patient, reader: decision.actor };
                has_notices |= change.notify_of_reading(patient, decision.actor, decision.time_s, event)?;
            }
        }
        change.put_audit_head(&head)?;
        Ok((head, has_notices))
    })
}

/// What the next entry holds of this one.
fn digest(entry: &AuditEntry) -> Result<Digest, medrec_domain::DomainError> {
    canonical::digest(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(byte: u8, was_read: Option<Address>) -> Decision {
        Decision {
            time_s: 7,
            actor: Address([byte; 20]),
            signer: Address([byte; 20]),
            method: "records/read",
            concern: Concern::of(Address([9; 20]), "measurement"),
            is_allowed: true,
            was_read,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn decisions_of_many_at_once_are_one_chain_that_a_restart_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("store.redb")).unwrap());
        let audit = Arc::new(Audit::open(Arc::clone(&store), Bell::new()).unwrap());
        let writers = (0..100).map(|byte| {
            let audit = Arc::clone(&audit);
            tokio::spawn(async move { audit.write(decision(byte, None)).await })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap().unwrap();
        }
        let head = audit.head();
        assert_eq!(head.length, 100);
        assert_eq!(store.verified_audit_head().unwrap(), head);
        let mut actors: Vec<_> = store.audit_of(Address([9; 20]), 0, 1_000).unwrap();
        actors.sort_by_key(|entry| entry.actor);
        assert!((0..100).zip(&actors).all(|(byte, entry)| entry.actor == Address([byte; 20])));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn strangers_are_one_entry_however_many_there_are_also_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("store.redb")).unwrap());
        let audit = Audit::open(Arc::clone(&store), Bell::new()).unwrap();
        assert_eq!(audit.write_counts(6).await.unwrap(), None);
        for _ in 0..10_000 {
            audit.count(RefusalCode::NotAllowed, 7);
        }
        assert_eq!(audit.write_counts(8).await.unwrap().unwrap(), "10000 refused since 7: not-allowed 10000");
        audit.write(decision(1, None)).await.unwrap();
        audit.count(RefusalCode::Expired, 9);
        assert_eq!(audit.head().length, 2);
        audit.close(10).await;
        assert_eq!(store.verified_audit_head().unwrap().length, 3);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_patient_is_told_once_an_hour_of_one_reader_and_the_bell_rings() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("store.redb")).unwrap());
        let bell = Bell::new();
        let audit = Audit::open(Arc::clone(&store), bell.clone()).unwrap();
        let (rings, patient) = (bell.listen(), Address([9; 20]));
        for byte in [1, 1, 2] {
            audit.write(decision(byte, Some(patient))).await.unwrap();
        }
        audit.write(Decision { time_s: 7 + 3_600, ..decision(1, Some(patient)) }).await.unwrap();
        assert!(rings.has_changed().unwrap());
        let told = store.notices(patient, 0, 100).unwrap();
        let readers: Vec<_> = told.into_iter().map(|notification| notification.event).collect();
        let read = |byte| NotificationEvent::RecordRead { patient, reader: Address([byte; 20]) };
        assert_eq!(readers, [read(1), read(2), read(1)]);
    }
}
