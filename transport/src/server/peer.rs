//! Who is at the other end of a connection.

use std::net::IpAddr;

/// The address of a connection's other end, as an extension of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);
