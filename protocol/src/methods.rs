//! The methods of a gatekeeper: name, arguments, answer.
//!
//! `POST /v1/<name>` with a [`Signed`](crate::Signed) body. Two answers are not JSON: claims are answered with the bytes
//! of a bundle, and the stream of notifications with server-sent events.

pub mod acts;
pub mod claims;
pub mod consents;
pub mod notifications;
pub mod provider;
pub mod records;
pub mod status;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A method of a gatekeeper.
pub trait Method {
    /// Its name: the path below `/v1/`, and what is signed.
    const NAME: &'static str;
    /// Its arguments.
    type Body: Serialize + DeserializeOwned + Send + Sync;
    /// Its answer; `()` where the answer is not JSON.
    type Answer: Serialize + DeserializeOwned + Send;
}

/// Declares methods: a name, arguments, an answer.
macro_rules! methods {
    ($($(#[$about:meta])* $method:ident $name:literal ($body:ty) -> $answer:ty;)*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy)]
        pub struct $method;

        impl $crate::methods::Method for $method {
            const NAME: &'static str = $name;
            type Body = $body;
            type Answer = $answer;
        }
    )*};
}

pub(crate) use methods;

/// Every method's name.
pub const NAMES: [&str; 17] = [
    "acts/relay",
    "acts/state",
    "audit/list",
    "claims/bounty",
    "claims/shard",
    "consents/erase",
    "consents/list",
    "consents/put",
    "epochs/run",
    "notifications/list",
    "notifications/stream",
    "patients/invite",
    "patients/link",
    "patients/unlink",
    "records/read",
    "relationships/propose",
    "updates/post",
];
