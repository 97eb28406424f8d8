//! Notifications as they lie in the store, each under its recipient.

use medrec_domain::identifier::Address;
use medrec_protocol::methods::notifications::{Notification, NotificationEvent};

use super::{Change, Fault, Pair, Shelf, Store};
use crate::error::GatekeeperError;

/// Readings of one record by one reader within this time are one notification: the log has them all.
const ONE_READING_S: u64 = 3_600;

fn key(recipient: Address, sequence: u64) -> Vec<u8> {
    [recipient.0.as_slice(), &sequence.to_be_bytes()].concat()
}

impl Change {
    /// Notes something for a recipient.
    pub(crate) fn notify(
        &self,
        recipient: Address,
        time_s: u64,
        event: NotificationEvent,
    ) -> Result<(), Fault> {
        let sequence = self.get::<u64>(Shelf::Notes, b"notices")?.unwrap_or(0) + 1;
        self.put(Shelf::Notes, b"notices", &sequence)?;
        self.put(Shelf::Notices, &key(recipient, sequence), &Notification { sequence, time_s, event })
    }

    /// Notes a reading, unless the same reader's last one was noted a short time ago.
    pub(crate) fn notify_of_reading(
        &self,
        patient: Address,
        reader: Address,
        time_s: u64,
        event: NotificationEvent,
    ) -> Result<bool, Fault> {
        let mark = [b"read".as_slice(), &patient.0, &reader.0].concat();
        let last: Option<u64> = self.get(Shelf::Notes, &mark)?;
        if last.is_some_and(|last| time_s < last.saturating_add(ONE_READING_S)) {
            return Ok(false);
        }
        self.put(Shelf::Notes, &mark, &time_s)?;
        self.notify(patient, time_s, event)?;
        Ok(true)
    }
}

impl Store {
    /// Notifications of a recipient after a known one, oldest first.
    pub(crate) fn notices(
        &self,
        recipient: Address,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Notification>, GatekeeperError> {
        self.look(|look| {
            let after = key(recipient, after);
            let found: Vec<Pair<Notification>> =
                look.scan(Shelf::Notices, &recipient.0, Some(&after), limit)?;
            Ok(found.into_iter().map(|(_, notification)| notification).collect())
        })
    }
}
