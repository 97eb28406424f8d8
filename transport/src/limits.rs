//! What clients of a port may take up.

use std::time::Duration;

/// Bounds on connections to one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at once. When all are taken, the one that has been without a request for longest makes room; when all work, the
    /// next clients wait in the kernel's queue.
    pub most: usize,
    /// Connections at once from one address (IPv6: one network of 64 bits). Beyond it the client's own idle connection makes
    /// room; when none is idle, the new one is refused with status 503. Everybody behind a proxy or a tunnel is one client.
    pub per_client: usize,
    /// Longest time from the first byte of a request, or from the connection, to the end of its head.
    pub head: Duration,
    /// Longest time from there to the end of its body.
    pub body: Duration,
    /// Longest time between two requests.
    pub idle: Duration,
    /// Longest time in which a client takes nothing of what is sent to it.
    pub stall: Duration,
}

impl Default for ConnectionLimits {
    /// 256 connections, 128 of one client; 10 s a head, 30 s a body, 75 s between requests, 30 s without taking anything.
    fn default() -> Self {
        Self {
            most: 256,
            per_client: 128,
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
        }
    }
}

impl ConnectionLimits {
    /// The same when the server wants to end: who has begun a request may finish it in this time.
    pub(crate) fn at_the_end(self, patience: Duration) -> Self {
        Self { head: self.head.min(patience), idle: Duration::ZERO, ..self }
    }
}
