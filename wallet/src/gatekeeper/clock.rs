//! What time it is at a gatekeeper, never ahead of it.
//!
//! Requests are dated by the server's clock. It tells whole seconds, and the answer takes its time; from the moment of the
//! answer on, the server's time is at least what it said plus what has passed here since.

use std::time::Instant;

/// The newest look at a server's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerClock {
    told_s: u64,
    heard: Instant,
}

impl ServerClock {
    /// The server said this second just now.
    pub(super) fn new(told_s: u64) -> Self {
        Self { told_s, heard: Instant::now() }
    }

    /// The server's second, or one before it.
    pub(super) fn now_s(&self) -> u64 {
        self.told_s.saturating_add(self.heard.elapsed().as_secs())
    }
}
