//! The port and the client over real sockets, with peers that behave as they should and as they should not.

mod client;
mod crowding;
mod deadlines;
mod ending;
mod peer;
