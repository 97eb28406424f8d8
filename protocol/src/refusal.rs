//! Refusals: a code for programs and one constant text for people.
//!
//! # Privacy
//! A text depends on its code alone. It never carries a name, a value, a budget or a reason that lies in somebody's
//! record, so that a refusal tells no more than the code does.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$about:meta])* $code:ident $name:literal $status:literal $text:literal;)*) => {
        /// Why a gatekeeper says no.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum RefusalCode { $($(#[$about])* #[serde(rename = $name)] $code,)* }

        impl RefusalCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// Its name, as it travels.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status,)* }
            }

            /// The text that goes with it, always the same.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$code => $text,)* }
            }
        }
    };
}

codes! {
    /// No request of that method.
    BadRequest "bad-request" 400 "the request is not one of this method";
    /// Signature, audience or chain are wrong.
    BadSignature "bad-signature" 401 "the signature is not one over this request for this provider on this chain";
    /// Not good now.
    Expired "expired" 401 "the request is not good now; ask for the time and sign again";
    /// Its nonce was used.
    Replayed "replayed" 409 "the request was used before; sign a new one";
    /// Not for this signer.
    NotAllowed "not-allowed" 403 "nothing allows this to this signer";
    /// Nothing of that name, as far as this signer may know.
    Unknown "unknown" 404 "there is nothing of that name for this signer";
    /// The block or the posting has too few confirmations, or is not canonical.
    Unconfirmed "unconfirmed" 409 "the block is not canonical, or has too few confirmations";
    /// Another account owns it.
    NotTheOwner "not-the-owner" 403 "the signer is not the one who mined that block";
    /// The miner is no registered researcher.
    Unregistered "unregistered" 403 "the signer is no registered researcher";
    /// Its block earns nothing from this provider.
    EarnsNothing "earns-nothing" 404 "that block earns nothing from this provider";
    /// The query is not in the catalogue, or at another price.
    NotInCatalogue "not-in-catalogue" 422 "the query is not in the catalogue at that price";
    /// It would pass what may be spent.
    TooDear "too-dear" 422 "the privacy budget does not allow this release";
    /// The state of things does not allow it (already linked, already released).
    Conflict "conflict" 409 "this was done before, in another way";
    /// The idempotency key was used for another request.
    IdempotencyKeyReused "idempotency-key-reused" 422 "the idempotency key stands for another request; choose a new one";
    /// More than the sender, or everybody, may ask in this time.
    TooManyRequests "too-many-requests" 429 "too many requests";
    /// The chain cannot be asked: nothing is answered.
    ChainUnavailable "chain-unavailable" 503 "the chain cannot be asked now, so nothing is answered";
    /// Too much at once.
    Busy "busy" 503 "too many requests at once; try again";
    /// A body beyond the limit.
    TooLarge "too-large" 413 "the request is too large";
    /// Something broke on the provider's side.
    Internal "internal" 500 "something broke at the provider; it is in its log";
}

/// The body of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The code.
    pub code: RefusalCode,
    /// Its text.
    pub text: String,
}

impl From<RefusalCode> for Refusal {
    fn from(code: RefusalCode) -> Self {
        Self { code, text: code.text().to_owned() }
    }
}
