//! Requests to a gatekeeper: what a signature covers, and how everything travels.

mod envelopes;
mod forms;
