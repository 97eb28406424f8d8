//! Acts of the provider itself, signed by its own key.

use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::{Address, BlockNumber, EpochNumber};
use medrec_domain::{CalendarDate, Digest, Rho};
use serde::{Deserialize, Serialize};

use super::methods;
use crate::signed::Hexadecimal;

methods! {
    /// Lets an account that is no participant yet have its onboarding carried.
    Invite "patients/invite" (InviteBody) -> ();
    /// Says which record of the provider's database belongs to an account.
    Link "patients/link" (LinkBody) -> ();
    /// Takes that back; the account's documents stay.
    Unlink "patients/unlink" (UnlinkBody) -> ();
    /// Proposes a relationship to a patient's account, or accepts the one that she asked for.
    Propose "relationships/propose" (ProposeBody) -> super::acts::RelayAnswer;
    /// Posts that records of patients changed, with a bounty from the catalogue.
    PostUpdate "updates/post" (PostBody) -> Posting;
    /// Makes and commits the census of an epoch.
    RunEpoch "epochs/run" (EpochBody) -> EpochAnswer;
}

/// Whose onboarding is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InviteBody {
    /// The account that the patient made for this provider.
    pub account: Address,
}

/// Which record is whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// The patient's account at this provider.
    pub account: Address,
    /// The patient's id in the provider's database.
    pub source_id: String,
}

/// Whose link to take back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlinkBody {
    /// The patient's account.
    pub account: Address,
}

/// With whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposeBody {
    /// The patient's account.
    pub account: Address,
    /// What the asker knows this wish by, see [`act_key`].
    pub idempotency_key: Hexadecimal<32>,
}

/// Whose records changed, and the question that goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostBody {
    /// Accounts of the patients; one patient alone is named on chain, several are not.
    pub patients: Vec<Address>,
    /// Name of a query of the catalogue: the bounty.
    pub query: String,
    /// What the asker knows this wish by, see [`act_key`].
    pub idempotency_key: Hexadecimal<32>,
}

/// What `acts/state` knows an act of the provider by: its account, and the 32 random bytes that the asker chose for the wish.
///
/// An idempotency key stands for one wish and one transaction, for ever: asked again with it, the gatekeeper gives the same answer and
/// sends nothing more; with another body it refuses. Who got no answer asks again with the same key; who wants the same
/// once more takes another.
pub fn act_key(provider: Address, idempotency_key: &Hexadecimal<32>) -> Digest {
    keccak256_of(&[b"medrec act", &provider.0, &idempotency_key.0])
}

/// What was posted: the terms of a bounty. Whoever shows them can prove them against the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posting {
    /// The provider's account.
    pub provider: Address,
    /// The patient's account; zero for a batch.
    pub patient: Address,
    /// Merkle root of the record pointers.
    pub records_root: Digest,
    /// Digest of the catalogue query.
    pub query_hash: Digest,
    /// Its price in units of 1e-9 rho.
    pub cost_nano_rho: u64,
}

/// Which epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochBody {
    /// Its number.
    pub epoch: EpochNumber,
    /// First day of the events that count.
    pub from: CalendarDate,
    /// First day after them.
    pub until: CalendarDate,
}

/// A finished census.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochAnswer {
    /// Its epoch.
    pub epoch: EpochNumber,
    /// Root over its shards.
    pub root: Digest,
    /// Root over the consents in force.
    pub consent_root: Digest,
    /// Number of shards.
    pub shards: u32,
    /// What it cost everybody in it.
    pub rho: Rho,
    /// The block that carries the commitment, once there is one.
    pub committed_at: Option<BlockNumber>,
}
