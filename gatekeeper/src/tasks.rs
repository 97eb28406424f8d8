//! Tasks in the background, by name. The service ends with the first that ends before it was told to.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::error::GatekeeperError;
use crate::state::State;

/// How events are followed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Follow {
    /// Blocks on top of an event before it is notified.
    pub(crate) confirmations: u64,
    /// Pause between two looks.
    pub(crate) poll_interval: Duration,
}

/// A task that ended: its name, and what it ended with.
pub(crate) type Ended = (&'static str, Result<(), String>);

/// Starts every task.
pub(crate) fn start(
    state: &Arc<State>,
    follow: Follow,
    anchor_interval: Duration,
    stopping: &watch::Receiver<bool>,
) -> JoinSet<Ended> {
    let mut tasks = JoinSet::new();
    let (sender, stop) = (Arc::clone(&state.sender), stopped(stopping.clone()));
    spawn(&mut tasks, "outbox", async move { sender.run(stop).await.map_err(|error| error.to_string()) });
    let _ = (follow, anchor_interval);
    tasks
}

/// Runs a task under its name, also when it panics.
fn spawn(
    tasks: &mut JoinSet<Ended>,
    name: &'static str,
    work: impl Future<Output = Result<(), String>> + Send + 'static,
) {
    tasks.spawn(async move {
        let outcome = tokio::spawn(work).await;
        (name, outcome.unwrap_or_else(|error| Err(error.to_string())))
    });
}

/// Resolves when the service stops.
pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // The other end is gone only when the service is.
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
}

/// Why the service ends when one of its tasks has.
pub(crate) fn failure(outcome: Option<Result<Ended, JoinError>>) -> GatekeeperError {
    match outcome {
        Some(Ok((name, outcome))) => {
            let why = outcome.err().unwrap_or_else(|| "it ended before it was told to".to_owned());
            GatekeeperError::Task { name, why }
        }
        Some(Err(error)) => GatekeeperError::Task { name: "background", why: error.to_string() },
        None => GatekeeperError::Task { name: "background", why: "there are no tasks".to_owned() },
    }
}
