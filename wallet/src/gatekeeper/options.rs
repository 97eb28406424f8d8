//! Bounds and patience of a gatekeeper's client.

use std::time::Duration;

/// Bounds and patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatekeeperOptions {
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Longest wait for a bundle, or for a census to be made.
    pub long_timeout: Duration,
    /// Largest answer in JSON, in bytes.
    pub most_bytes: usize,
    /// Largest bundle, in bytes.
    pub most_bundle_bytes: usize,
    /// How often a question that may safely be asked again is asked in all.
    pub attempts: u32,
    /// Silence after which a stream of events counts as dead.
    pub stream_silence: Duration,
}

impl Default for GatekeeperOptions {
    /// 5 s to connect, 30 s an answer of at most 16 MiB, 10 min a bundle of at most 512 MiB, 4 attempts, 60 s of silence.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            long_timeout: Duration::from_mins(10),
            most_bytes: 16 << 20,
            most_bundle_bytes: 512 << 20,
            attempts: 4,
            stream_silence: Duration::from_mins(1),
        }
    }
}
