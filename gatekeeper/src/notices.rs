//! Notifications to whoever asks for her own: by long poll, and as server-sent events.
//!
//! The recipient is the signer's account, or the key where it speaks for none. Each notification is on the disk before it is
//! told, under a number that grows, so that `after` loses none and repeats none, also after a restart.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::channel::{Channel, Sender};
use medrec_protocol::methods::notifications::{ListAnswer, ListBody, Notification, StreamBody};

use crate::answer::{Answer, Concern, Content, Outcome, Refused};
use crate::state::{Caller, State};

/// Most notifications of one answer.
const MOST_AT_ONCE: usize = 500;
/// Longest wait of a long poll.
const LONGEST_WAIT_S: u32 = 30;
/// A stream says that it is alive after so much silence.
const SILENCE: Duration = Duration::from_secs(10);

/// Not in the audit log: the caller hears about herself.
pub(crate) fn concern<B>(_: &B) -> Concern {
    Concern::default()
}

/// `notifications/list`.
pub(crate) async fn list(state: Arc<State>, caller: Caller, body: ListBody) -> Outcome {
    let wait = Duration::from_secs(body.wait_s.min(LONGEST_WAIT_S).into());
    let until = tokio::time::Instant::now() + wait;
    let mut rings = state.bell.listen();
    loop {
        let notifications = fresh(&state, &caller, body.after).await?;
        if !notifications.is_empty() {
            return Answer::json(&ListAnswer { notifications });
        }
        tokio::select! {
            rung = rings.changed() => if rung.is_err() { break },
            () = tokio::time::sleep_until(until) => break,
            () = state.stopped() => break,
        }
    }
    Answer::json(&ListAnswer { notifications: Vec::new() })
}

/// `notifications/stream`.
pub(crate) async fn stream(state: Arc<State>, caller: Caller, body: StreamBody) -> Outcome {
    let (sender, channel) = Channel::<Bytes, std::convert::Infallible>::new(16);
    tokio::spawn(tell(state, caller, body.after, sender));
    Ok(Answer::of(Content::Events(Body::new(channel))))
}

/// Tells what is new until the other side goes, the service stops, or the store fails.
async fn tell(state: Arc<State>, caller: Caller, mut after: u64, mut sender: Sender<Bytes>) {
    let mut rings = state.bell.listen();
    if sender.send_data(Bytes::from_static(b": here\n\n")).await.is_err() {
        return;
    }
    loop {
        match fresh(&state, &caller, after).await {
            Ok(notifications) => {
                let is_cut = notifications.len() >= MOST_AT_ONCE;
                for notification in notifications {
                    after = notification.sequence;
                    let Ok(text) = serde_json::to_string(&notification) else { return };
                    let event = format!("id: {}\ndata: {text}\n\n", notification.sequence);
                    if sender.send_data(Bytes::from(event)).await.is_err() {
                        return;
                    }
                }
                if is_cut {
                    continue;
                }
            }
            Err(refused) => {
                (state.log)(&format!("a stream of notifications ends: {refused:?}"));
                return;
            }
        }
        tokio::select! {
            rung = rings.changed() => if rung.is_err() { return },
            () = tokio::time::sleep(SILENCE) => {
                // Whether the other side is there shows only when something is sent.
                if sender.send_data(Bytes::from_static(b": here\n\n")).await.is_err() {
                    return;
                }
            }
            () = state.stopped() => return,
        }
    }
}

async fn fresh(state: &State, caller: &Caller, after: u64) -> Result<Vec<Notification>, Refused> {
    let recipient = caller.actor();
    state.stored(move |store| store.notices(recipient, after, MOST_AT_ONCE)).await
}
