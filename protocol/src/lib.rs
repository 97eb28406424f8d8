//! What wallets and gatekeepers say to each other.
//!
//! Every request to a gatekeeper is a body of one [`Method`], signed as EIP-712 typed data by the key that asks
//! ([`Signed`]): the signature covers the method, every argument, the gatekeeper that is meant, the chain, and a validity of
//! minutes. Answers are plain bodies; refusals carry a [`RefusalCode`] and a constant text. docs/GATEKEEPER.md tells the
//! same as HTTP.
//!
//! What it does not know: sockets, files, clocks, stores, keys, and who is allowed what.

pub mod bridge;
mod error;
pub mod methods;
pub mod refusal;
pub mod signed;

pub use error::ProtocolError;
pub use methods::Method;
pub use refusal::{Refusal, RefusalCode};
pub use signed::{Asking, Hexadecimal, LONGEST_VALIDITY_S, Signed, request_digest};
