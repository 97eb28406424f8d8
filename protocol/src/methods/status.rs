//! What a gatekeeper says to everybody, unsigned: `GET /v1/status`.

use medrec_domain::Digest;
use medrec_domain::identifier::{Address, BlockReference, EpochNumber};
use serde::{Deserialize, Serialize};

/// Path of the status.
pub const STATUS_PATH: &str = "/v1/status";

/// Who it is, on which chain, and what time it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusAnswer {
    /// Version of the software.
    pub version: String,
    /// The provider's account: the audience of requests.
    pub provider: Address,
    /// The chain.
    pub chain_id: u64,
    /// The Registrar's address, by which the other contracts are found.
    pub registrar: Address,
    /// The newest block at which permissions are looked up; `None` while the chain cannot be asked, and then nothing
    /// is answered.
    pub head: Option<BlockReference>,
    /// The gatekeeper's clock, in seconds since 1970: what `issued_s` of a request goes by.
    pub time_s: u64,
    /// Digest of the catalogue of bounty queries.
    pub catalogue: Digest,
    /// The newest epoch whose census is committed.
    pub epoch: Option<EpochNumber>,
}
