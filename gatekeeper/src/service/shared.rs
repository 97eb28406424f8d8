//! What all requests share: the state, who may call, used nonces, and room for so many at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::access::Access;
use super::nonces::Nonces;
use crate::state::State;

/// What kind of work a method is: how long it may take, and with whom it shares its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Looks something up or writes a row. Its decision is in the audit log.
    Ordinary,
    /// Makes or gives away a release. Its decision is in the audit log.
    Release,
    /// Waits for something to happen, or asks how far something is, about the caller alone; not in the audit log.
    Waiting,
}

/// What all requests share.
pub(crate) struct Service {
    pub(super) state: Arc<State>,
    pub(super) access: Access,
    pub(super) nonces: Nonces,
    requests: Arc<Semaphore>,
    releases: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Service {
    /// A service of these parts.
    pub(crate) fn new(state: Arc<State>, access: Access) -> Self {
        let limits = &state.limits;
        Self {
            access,
            nonces: Nonces::new(limits.nonces),
            requests: Arc::new(Semaphore::new(limits.requests)),
            releases: Arc::new(Semaphore::new(limits.releases)),
            waiting: Arc::new(Semaphore::new(limits.waiting)),
            state,
        }
    }

    /// The room that a kind of work shares.
    pub(super) fn room(&self, kind: Kind) -> &Arc<Semaphore> {
        match kind {
            Kind::Ordinary => &self.requests,
            Kind::Release => &self.releases,
            Kind::Waiting => &self.waiting,
        }
    }

    /// Longest time of a kind of work.
    pub(super) fn timeout(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Ordinary => self.state.limits.request_timeout,
            Kind::Release => self.state.limits.release_timeout,
            // Waits are bounded by the protocol.
            Kind::Waiting => self.state.limits.request_timeout + Duration::from_mins(1),
        }
    }
}
