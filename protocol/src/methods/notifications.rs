//! What happened that concerns the signer.

use medrec_domain::Digest;
use medrec_domain::identifier::Address;
use serde::{Deserialize, Serialize};

use super::methods;

methods! {
    /// Notifications after a known one; waits for the next when there is none.
    List "notifications/list" (ListBody) -> ListAnswer;
    /// The same as server-sent events, whose ids are the sequence numbers.
    Stream "notifications/stream" (StreamBody) -> ();
}

/// From where on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListBody {
    /// The last sequence number that is known already; 0 at first.
    pub after: u64,
    /// Seconds to wait when there is nothing yet; at most 30.
    pub wait_s: u32,
}

/// From where on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamBody {
    /// The last sequence number that is known already; 0 at first.
    pub after: u64,
}

/// Notifications, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListAnswer {
    /// The notifications.
    pub notifications: Vec<Notification>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// Its number, which grows and never repeats for one recipient; restarts and re-organisations repeat none.
    pub sequence: u64,
    /// The second at which it was noted.
    pub time_s: u64,
    /// What happened.
    pub event: NotificationEvent,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NotificationEvent {
    /// A relationship has another status.
    RelationshipChanged {
        /// The patient's account.
        patient: Address,
        /// The status in the contract's words: new, pending, accepted, updated, rejected, deleted.
        status: String,
    },
    /// The provider posted records of the patient.
    RecordUpdated {
        /// The patient's account.
        patient: Address,
        /// The bounty that went with it.
        bounty: Digest,
    },
    /// A grant came into force.
    Granted {
        /// The patient's account.
        patient: Address,
        /// The document's commitment.
        commitment: Digest,
    },
    /// A grant is out of force.
    Revoked {
        /// The patient's account.
        patient: Address,
        /// The document's commitment.
        commitment: Digest,
    },
    /// Somebody read the patient's records.
    RecordRead {
        /// The patient's account.
        patient: Address,
        /// Who.
        reader: Address,
    },
}
