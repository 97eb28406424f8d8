//! A gatekeeper on a real chain, asked over real sockets: who may do what, and what nobody may.
//!
//! Defects of MedRec's own second version have a test each, named after them: G4 is proven in `protocol/tests`, the others here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod audit;
mod clinic;
mod closed;
mod crowd;
mod defects;
mod desk;
mod flood;
mod killed;
mod masks;
mod matrix;
mod notifications;
mod once;
mod process;
mod requests;
mod rotation;
mod truth;
mod unlinked;
