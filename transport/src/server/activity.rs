//! What a connection is doing, since when, and until when it may go on so.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits::ConnectionLimits;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has sent nothing yet.
    Fresh,
    /// Between two requests.
    Idle,
    /// The head of a request comes in.
    Head,
    /// Its body comes in.
    Body,
    /// A request is worked on or answered, or the connection is none of HTTP any more.
    Working,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// The client takes nothing of what is sent.
    is_blocked: bool,
}

/// What one connection is doing. Its own task changes it; whoever looks for room reads it.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    closing: Notify,
    /// Told when a connection could make room.
    freed: Arc<Notify>,
}

impl Activity {
    /// Of a connection that was just opened.
    pub(super) fn new(freed: Arc<Notify>) -> Self {
        let state = State { phase: Phase::Fresh, since: Instant::now(), is_blocked: false };
        Self { state: Mutex::new(state), closing: Notify::new(), freed }
    }

    /// Bytes came in.
    pub(super) fn heard(&self) {
        self.turn(Phase::Head, |phase| matches!(phase, Phase::Fresh | Phase::Idle));
    }

    /// A head is whole: the request's body is coming while the first value lives, its answer is going out while the second one does.
    pub(super) fn asked(self: &Arc<Self>) -> (Receiving, Answering) {
        self.turn(Phase::Body, |_| true);
        (Receiving(Arc::clone(self)), Answering(Arc::clone(self)))
    }

    /// It speaks another protocol from now on.
    pub(super) fn was_upgraded(&self) {
        self.turn(Phase::Working, |_| true);
    }

    /// Whether the client takes what is sent.
    pub(super) fn set_blocked(&self, is_blocked: bool) {
        self.state.lock().is_blocked = is_blocked;
    }

    /// When it has to be doing something else.
    pub(super) fn deadline(&self, limits: &ConnectionLimits) -> Option<Instant> {
        let State { phase, since, is_blocked } = *self.state.lock();
        match phase {
            // Its last answer is still going out; the bound on stalls holds.
            _ if is_blocked => None,
            Phase::Fresh | Phase::Head => Some(since + limits.head),
            Phase::Body => Some(since + limits.body),
            Phase::Idle => Some(since + limits.idle),
            Phase::Working => None,
        }
    }

    /// The order in which connections make room: who asked for nothing first, then who is still asking; the oldest first. `None` for
    /// those that would lose an answer.
    pub(super) fn rank(&self) -> Option<(u8, Instant)> {
        let state = self.state.lock();
        match state.phase {
            _ if state.is_blocked => None,
            Phase::Fresh | Phase::Idle => Some((0, state.since)),
            Phase::Head | Phase::Body => Some((1, state.since)),
            Phase::Working => None,
        }
    }

    /// Tells its task to close it.
    pub(super) fn close(&self) {
        self.closing.notify_one();
    }

    /// Resolves when it shall close.
    pub(super) async fn closing(&self) {
        self.closing.notified().await;
    }

    fn turn(&self, to: Phase, from: fn(Phase) -> bool) {
        let mut state = self.state.lock();
        if from(state.phase) {
            (state.phase, state.since) = (to, Instant::now());
        }
    }
}

/// A request's body is coming in.
pub(super) struct Receiving(Arc<Activity>);

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.turn(Phase::Working, |phase| phase == Phase::Body);
    }
}

/// A request is worked on or answered.
pub(super) struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.turn(Phase::Idle, |_| true);
        self.0.freed.notify_one();
    }
}
