//! Acts that patients and guardians sign and the provider carries to the chain, since they hold no ether.

use medrec_domain::Digest;
use serde::{Deserialize, Serialize};

use super::methods;

methods! {
    /// Carries a call that somebody signed for the contracts.
    Relay "acts/relay" (RelayBody) -> RelayAnswer;
    /// How far a carried call has come.
    State "acts/state" (StateBody) -> StateAnswer;
}

/// A call with a signature inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayBody {
    /// The contract's name, such as `Consents`.
    pub contract: String,
    /// The call: `0x` and hexadecimal digits. Only calls that carry a signature are taken.
    pub calldata: String,
}

/// It is on the disk of the provider and will be sent until it is in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayAnswer {
    /// What to ask for its state with: the digest of contract and call.
    pub key: Digest,
}

/// Which act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateBody {
    /// The key that relaying answered with.
    pub key: Digest,
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum StateAnswer {
    /// Sent, or about to be.
    Waiting,
    /// In a block.
    Included {
        /// The block's number.
        block: u64,
    },
    /// In a block that has its confirmations.
    Confirmed {
        /// The block's number.
        block: u64,
    },
    /// The contract refused.
    Reverted {
        /// The contract's own error.
        reason: String,
    },
    /// It will not come into the chain any more.
    Dropped {
        /// Why.
        reason: String,
    },
}
