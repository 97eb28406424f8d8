//! Tasks in the background, by name. The service ends with the first that ends before it was told to.

mod anchor;
mod follow;
mod translate;

use std::sync::Arc;
use std::time::Duration;

use medrec_chain::Remedy;
use tokio::task::{JoinError, JoinSet};

pub(crate) use self::follow::Follow;
use crate::error::GatekeeperError;
use crate::provider;
use crate::rewards::RewardsError;
use crate::state::{State, now_s};

/// Pause before releases that were left are tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// What an operator does about a task that ended: the stores are whole, whatever stopped their writing.
const HINT: &str = "\n\nhint: mend what is named, such as a full disk, and start it again; nothing that was acknowledged is lost";

/// A task that ended: its name, and what it ended with.
pub(crate) type Ended = (&'static str, Result<(), String>);

/// How often the tasks do their work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Of notifications.
    pub(crate) follow: Follow,
    /// Pause between two anchors of the audit log.
    pub(crate) anchor_interval: Duration,
    /// Pause between two entries that count strangers.
    pub(crate) count_interval: Duration,
}

/// Starts every task.
pub(crate) fn start(state: &Arc<State>, pace: Pace) -> JoinSet<Ended> {
    let mut tasks = JoinSet::new();
    let stop = || {
        let state = Arc::clone(state);
        async move { state.stopped().await }
    };
    for outbox in state.outboxes.all() {
        let (outbox, stopping) = (Arc::clone(outbox), stop());
        spawn(
            &mut tasks,
            "outbox",
            async move { outbox.run(stopping).await.map_err(|error| error.to_string()) },
        );
    }
    let (shared, stopping) = (Arc::clone(state), stop());
    spawn(&mut tasks, "notifications", until(stopping, follow::run(shared, pace.follow)));
    let (shared, stopping) = (Arc::clone(state), stop());
    spawn(&mut tasks, "audit anchor", until(stopping, anchor::run(shared, pace.anchor_interval)));
    let (shared, stopping) = (Arc::clone(state), stop());
    spawn(&mut tasks, "releases", until(stopping, resume(shared)));
    let (shared, stopping) = (Arc::clone(state), stop());
    spawn(&mut tasks, "strangers", until(stopping, count(shared, pace.count_interval)));
    let (shared, stopping) = (Arc::clone(state), stop());
    let audit = async move { Err(shared.audit.ended().await) };
    spawn(&mut tasks, "audit log", until(stopping, audit));
    tasks
}

/// Goes on with what an earlier process left of releases and of forgetting, and then waits for the end.
async fn resume(state: Arc<State>) -> Result<(), String> {
    provider::forget(&state).await;
    while let Err(error) = state.rewards.resume(state.watch()).await {
        (state.log)(&format!("a release that was left cannot go on: {error}"));
        let is_passing = matches!(&error, RewardsError::Chain(error) if error.remedy() == Remedy::Retry);
        if !is_passing {
            // Everything else works without it; who asks for the epoch sees why.
            break;
        }
        tokio::time::sleep(AGAIN).await;
    }
    std::future::pending().await
}

/// Writes now and then how many refusals of strangers there were.
async fn count(state: Arc<State>, interval: Duration) -> Result<(), String> {
    loop {
        tokio::time::sleep(interval).await;
        if let Some(words) = state.audit.write_counts(now_s()).await? {
            (state.log)(&format!("strangers: {words}"));
        }
    }
}

/// Runs work until the service stops.
async fn until(
    stopped: impl Future<Output = ()>,
    work: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    tokio::select! {
        () = stopped => Ok(()),
        outcome = work => outcome,
    }
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

/// Why the service ends when one of its tasks has.
pub(crate) fn failure(outcome: Option<Result<Ended, JoinError>>) -> GatekeeperError {
    match outcome {
        Some(Ok((name, outcome))) => {
            let why = outcome.err().unwrap_or_else(|| "it ended before it was told to".to_owned());
            GatekeeperError::Task { name, why: why + HINT }
        }
        Some(Err(error)) => GatekeeperError::Task { name: "background", why: error.to_string() },
        None => GatekeeperError::Task { name: "background", why: "there are no tasks".to_owned() },
    }
}
