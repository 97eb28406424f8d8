//! What all requests share: the state, who may call, used nonces, and room for so many at once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use medrec_protocol::RefusalCode;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::access::Access;
use super::acquaintances::Acquaintances;
use super::nonces::Nonces;
use super::rates::{Bucket, Buckets};
use super::source::source;
use crate::options::Rate;
use crate::state::{State, now_s};

/// Lines about strangers in the provider's own log; the counts tell of the rest.
const LINES: Rate = Rate { per_second: 1, burst: 30 };

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
    pub(super) acquaintances: Acquaintances,
    proxies: Vec<IpAddr>,
    everybody: Buckets,
    strangers: Buckets,
    /// Lines of the provider's own log about strangers.
    lines: Mutex<Bucket>,
    requests: Arc<Semaphore>,
    releases: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    of_strangers: Arc<Semaphore>,
    large_bodies: Arc<Semaphore>,
}

impl Service {
    /// A service of these parts.
    pub(crate) fn new(state: Arc<State>, access: Access, proxies: Vec<IpAddr>) -> Self {
        let (limits, now) = (&state.limits, Instant::now());
        Self {
            access,
            nonces: Nonces::new(limits.nonces),
            acquaintances: Acquaintances::default(),
            proxies,
            everybody: Buckets::new(limits.everybody, limits.sources, now),
            strangers: Buckets::new(limits.strangers, limits.sources, now),
            lines: Mutex::new(Bucket::new(LINES, now)),
            of_strangers: Arc::new(Semaphore::new(limits.strangers_at_once)),
            large_bodies: Arc::new(Semaphore::new(limits.large_bodies)),
            requests: Arc::new(Semaphore::new(limits.requests)),
            releases: Arc::new(Semaphore::new(limits.releases)),
            waiting: Arc::new(Semaphore::new(limits.waiting)),
            state,
        }
    }

    /// Where a request comes from.
    pub(super) fn source(&self, request: &Request) -> IpAddr {
        source(request, &self.proxies)
    }

    /// Whether a source may ask now. A refusal is counted.
    pub(super) fn admits(&self, source: IpAddr) -> bool {
        let is_admitted = self.everybody.take(source, Instant::now());
        if !is_admitted {
            self.state.audit.count(RefusalCode::TooManyRequests, now_s());
        }
        is_admitted
    }

    /// Whether a key that is not known may ask now.
    pub(super) fn admits_stranger(&self, source: IpAddr) -> bool {
        self.strangers.take(source, Instant::now())
    }

    /// The room of strangers, so that they take none from others.
    pub(super) fn room_of_strangers(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.of_strangers).try_acquire_owned().ok()
    }

    /// The room of large bodies while they arrive.
    pub(super) fn room_of_large_bodies(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.large_bodies).try_acquire_owned().ok()
    }

    /// Tells the provider's own log about a stranger, as long as that does not fill it.
    pub(super) fn tell_of_stranger(&self, line: &str) {
        if self.lines.lock().take(Instant::now()) {
            (self.state.log)(line);
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
