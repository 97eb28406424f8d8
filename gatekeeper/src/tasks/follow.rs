//! The chain's events as notifications, each once.
//!
//! Position and notifications are stored in one transaction, so a restart repeats none and loses none. Blocks that are replaced
//! take nothing back: what was told was told, and what the new blocks hold again is not told again. A notification is a hint; what
//! holds is what the chain says when it is asked.

use std::sync::Arc;
use std::time::Duration;

use medrec_chain::{ChainError, Event, Follower, FollowerOptions, Position, Remedy, Step, Update};

use super::translate::{Told, translate};
use crate::state::{State, blocking, now_s};
use crate::store::Store;

/// How events are followed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Follow {
    /// Blocks on top of an event before it is notified.
    pub(crate) confirmations: u64,
    /// Pause between two looks.
    pub(crate) poll_interval: Duration,
}

/// Follows until the service stops.
pub(super) async fn run(state: Arc<State>, follow: Follow) -> Result<(), String> {
    let said = |error: ChainError| error.to_string();
    let position = loop {
        let stored = state.stored(Store::position).await;
        match stored.map_err(|refused| format!("{refused:?}"))? {
            Some(position) => break position,
            None => match start(&state).await {
                Ok(position) => break position,
                Err(error) if error.remedy() == Remedy::Retry => {
                    tokio::time::sleep(follow.poll_interval).await;
                }
                Err(error) => return Err(said(error)),
            },
        }
    };
    let options = FollowerOptions {
        confirmations: follow.confirmations,
        poll_interval: follow.poll_interval,
        ..FollowerOptions::default()
    };
    let mut follower = Follower::new(state.client.clone(), state.contracts, position, options);
    loop {
        let step = follower.next().await.map_err(said)?;
        while let Err(why) = take(&state, &step).await {
            // The step is asked about at the newest block, which may not be had just now; it is not given up.
            (state.log)(&format!("notifications wait: {why}"));
            tokio::time::sleep(follow.poll_interval).await;
        }
    }
}

/// Where a gatekeeper begins that has never followed: at the chain's present.
async fn start(state: &State) -> Result<Position, ChainError> {
    let view = state.client.view().await?;
    Position::before(&view, view.head().block.number.max(1)).await
}

/// Stores what a step means together with its position.
async fn take(state: &Arc<State>, step: &Step) -> Result<(), String> {
    let mut told = Vec::new();
    if let Update::Advanced { events } = &step.update {
        for event in events {
            told.push((event.block.number, of(state, event).await?));
        }
    }
    let rolled_back_to = match &step.update {
        Update::RolledBack { to } => Some(to.number),
        Update::Advanced { .. } => None,
    };
    let (shared, position) = (Arc::clone(state), step.position.clone());
    let stored = blocking(move || shared.store.take_step(&position, rolled_back_to, &told, now_s())).await;
    if stored.map_err(|error| error.to_string())? {
        state.bell.ring();
    }
    Ok(())
}

async fn of(state: &Arc<State>, event: &Event) -> Result<Vec<Told>, String> {
    translate(state, event)
        .await
        .map_err(|refused| refused.why.unwrap_or_else(|| refused.code.text().to_owned()))
}
