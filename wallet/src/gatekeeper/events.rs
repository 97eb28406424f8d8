//! A gatekeeper's notifications as they happen, from the last known one on.
//!
//! Server-sent events: `id` is the sequence number, `data` one notification in JSON. When the stream breaks or falls silent it is
//! asked for again from the last number that was handed out, so each notification is handed out once.

use std::collections::VecDeque;
use std::time::Duration;

use alloy_signer::Signer;
use medrec_protocol::methods::notifications::{Notification, Stream, StreamBody};
use medrec_transport::{Answer, OpenAnswer, StatusCode};

use super::GatekeeperClient;
use super::sse::Parser;
use crate::error::{Advice, WalletError};

/// Longest refusal, in bytes.
const MOST_REFUSAL_BYTES: usize = 64 << 10;
/// Longest pause before the stream is asked for again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Notifications of one signer.
pub struct Notifications<'a> {
    client: &'a GatekeeperClient,
    signer: &'a (dyn Signer + Send + Sync),
    after: u64,
    open: Option<(OpenAnswer, Parser)>,
    waiting: VecDeque<Notification>,
}

impl std::fmt::Debug for Notifications<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Notifications after {} of {}", self.after, self.client.endpoint())
    }
}

impl<'a> Notifications<'a> {
    /// The notifications after number `after`; 0 for all that are kept.
    pub fn new(client: &'a GatekeeperClient, signer: &'a (dyn Signer + Send + Sync), after: u64) -> Self {
        Self { client, signer, after, open: None, waiting: VecDeque::new() }
    }

    /// The number of the last notification that was handed out: where a later process goes on.
    pub const fn after(&self) -> u64 {
        self.after
    }

    /// The next notification, however long that takes. Broken streams are opened again, with growing pauses.
    ///
    /// # Errors
    /// Refusals that asking again does not change.
    pub async fn next(&mut self) -> Result<Notification, WalletError> {
        let mut pause = Duration::from_millis(250);
        loop {
            if let Some(notification) = self.waiting.pop_front() {
                self.after = notification.sequence;
                return Ok(notification);
            }
            match self.read().await {
                Ok(()) => pause = Duration::from_millis(250),
                Err(error) if error.advice() == Advice::Later => {
                    self.open = None;
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes in one piece of the stream.
    async fn read(&mut self) -> Result<(), WalletError> {
        let method = <Stream as medrec_protocol::Method>::NAME;
        if self.open.is_none() {
            self.open = Some((self.connect().await?, Parser::default()));
        }
        let Some((answer, parser)) = &mut self.open else { return Ok(()) };
        let failed = |problem: String| self.client.transport.failed(method, problem);
        let silence = self.client.options.stream_silence;
        let piece = tokio::time::timeout(silence, answer.next()).await;
        let piece = piece.map_err(|_| failed(format!("the stream was silent for {silence:?}")))?;
        let piece = piece.map_err(|error| failed(error.to_string()))?;
        let data = piece.ok_or_else(|| failed("the stream ended".to_owned()))?;
        for text in parser.take(&data).map_err(|problem| failed(problem.to_owned()))? {
            let notification: Notification = serde_json::from_str(&text)
                .map_err(|error| failed(format!("an event is no notification: {error}")))?;
            // After a reconnection a gatekeeper may tell the last one again.
            let known = self.waiting.back().map_or(self.after, |last| last.sequence);
            if notification.sequence > known {
                self.waiting.push_back(notification);
            }
        }
        Ok(())
    }

    async fn connect(&self) -> Result<OpenAnswer, WalletError> {
        let method = <Stream as medrec_protocol::Method>::NAME;
        let body = StreamBody { after: self.after };
        let question = self.client.question::<Stream>(self.signer, &body, "text/event-stream").await?;
        let timeout = self.client.options.timeout;
        let answer = self.client.transport.open(method, question, timeout).await?;
        let status = answer.status;
        if status == StatusCode::OK {
            return Ok(answer);
        }
        let body = tokio::time::timeout(timeout, answer.rest(MOST_REFUSAL_BYTES)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let error = self.client.transport.refusal(method, &Answer { status, body });
        // A clock that moved is looked at again before the next question.
        self.client.set_clock(None);
        Err(error)
    }
}
