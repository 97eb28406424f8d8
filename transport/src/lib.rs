//! HTTP between programs, with bounds at both ends.
//!
//! [`serve`] is a port that nobody can fill: places for connections, for all and for each client, deadlines for what
//! a client has to send and to take, room made at the cost of who does nothing, an end in order. [`HttpClient`] is a client that
//! nobody can hang or drown: bounds on time, size and connections, which it keeps open between questions.
//!
//! Why one room: the node, the gatekeeper and the miner open ports, and the chain's client, the miner and wallets ask
//! them; each bound is thought through once. What it does not know: JSON-RPC, who may ask what, what is asked;
//! TLS (a tunnel carries what leaves the machine or the private network).

mod client;
mod error;
mod limits;
mod server;

pub use client::{Answer, Bounds, HttpClient, OpenAnswer, Question};
pub use error::{ExchangeError, UrlError};
pub use http::{Method, StatusCode};
pub use limits::ConnectionLimits;
pub use server::{Peer, serve};
