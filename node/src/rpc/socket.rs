//! WebSocket connections: requests as over HTTP, and subscriptions.
//!
//! A connection is one task that reads and writes, with a bounded queue of what is to be told; a
//! client that does not read, or answers no ping, is disconnected. Each subscription is a task that follows the head
//! through a watch channel and asks for the path since its last block, so that nothing is told
//! twice and nothing is missed.

use super::filters::in_range;
use super::logs::logs_of_change;
use super::params::Params;
use super::protocol::{Message as Rpcs, Request, error_response, response};
use super::view::Place;
use super::{Answer, Rpc, RpcError, view};
use crate::backend::Announced;
use crate::stop::StopSignal;
use crate::store::{ChainBlock, HeadChange};
use alloy_primitives::U128;
use alloy_rpc_types_eth::Filter;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Messages that wait for a slow client.
const QUEUED_MESSAGES: usize = 1_024;

/// Subscription ids differ between connections, so that logs of both can be told apart.
static NEXT_SUBSCRIPTION: AtomicU64 = AtomicU64::new(1);

type Outbox = mpsc::Sender<String>;

struct Connection {
    rpc: Arc<Rpc>,
    outbox: Outbox,
    subscriptions: BTreeMap<String, AbortHandle>,
}

/// Serves one connection until its client leaves or the server stops.
pub(super) async fn serve(
    mut socket: WebSocket,
    rpc: Arc<Rpc>,
    working: Arc<Semaphore>,
    stopping: StopSignal,
) {
    let (outbox, mut queued) = mpsc::channel(QUEUED_MESSAGES);
    let mut connection = Connection { rpc, outbox, subscriptions: BTreeMap::new() };
    // A client that was silent for this long is pinged, and one that was silent for twice as long is gone.
    let silence = connection.rpc.limits.connections.idle;
    let (mut silence_ends, mut is_pinged) = (Instant::now() + silence, false);
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(silence_ends) => {
                if is_pinged || socket.send(Message::Ping(Bytes::new())).await.is_err() {
                    break;
                }
                (silence_ends, is_pinged) = (Instant::now() + silence, true);
            }
            Some(text) = queued.recv() => {
                if socket.send(Message::text(text)).await.is_err() {
                    break;
                }
            }
            () = stopping.requested() => break,
            message = socket.recv() => {
                (silence_ends, is_pinged) = (Instant::now() + silence, false);
                let text = match message {
                    Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                    Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                };
                let Ok(_permit) = working.acquire().await else { break };
                if let Some(answer) = connection.handle(text).await
                    && socket.send(Message::text(answer)).await.is_err()
                {
                    break;
                }
            }
        }
    }
    for subscription in connection.subscriptions.into_values() {
        subscription.abort();
    }
}

impl Connection {
    async fn handle(&mut self, text: Vec<u8>) -> Option<String> {
        if let Rpcs::Single(Ok(request)) = Rpcs::parse(&text, self.rpc.limits.batch_requests)
            && matches!(request.method.as_str(), "eth_subscribe" | "eth_unsubscribe")
        {
            let Request { id, method, params } = request;
            let answer = match Params::new(params) {
                Ok(params) if method == "eth_subscribe" => self.subscribe(&params),
                Ok(params) => self.unsubscribe(&params),
                Err(error) => Err(error),
            };
            return id.map(|id| response(id, answer).to_string());
        }
        let rpc = Arc::clone(&self.rpc);
        let work = tokio::task::spawn_blocking(move || rpc.handle(&text));
        let failed = || RpcError { code: -32603, message: "internal error".to_owned(), data: None };
        work.await.unwrap_or_else(|_| Some(error_response(&Value::Null, &failed()).to_string()))
    }

    fn subscribe(&mut self, params: &Params) -> Answer {
        self.subscriptions.retain(|_, task| !task.is_finished());
        let limit = self.rpc.limits.subscriptions;
        if self.subscriptions.len() >= limit {
            return Err(RpcError::limit(format!("at most {limit} subscriptions on one connection")));
        }
        let number = NEXT_SUBSCRIPTION.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:#x}", U128::from(number));
        let subscriber =
            Subscriber { rpc: Arc::clone(&self.rpc), outbox: self.outbox.clone(), id: id.clone() };
        let kind: String = params.required(0)?;
        let task = match kind.as_str() {
            // What happens from now on is told, so the receivers are made here and not in the tasks.
            "newHeads" => tokio::spawn(subscriber.follow_heads(self.rpc.backend.heads(), None)),
            "logs" => {
                let filter = params.optional::<Filter>(1)?.unwrap_or_default();
                tokio::spawn(subscriber.follow_heads(self.rpc.backend.heads(), Some(filter)))
            }
            "newPendingTransactions" => {
                let full = params.optional(1)?.unwrap_or(false);
                tokio::spawn(subscriber.follow_pool(self.rpc.backend.announcements(), full))
            }
            other => {
                return Err(RpcError::method_not_found(&format!("{other} subscription")));
            }
        };
        self.subscriptions.insert(id.clone(), task.abort_handle());
        Ok(json!(id))
    }

    fn unsubscribe(&mut self, params: &Params) -> Answer {
        params.at_most(1)?;
        let id: String = params.required(0)?;
        match self.subscriptions.remove(&id) {
            Some(task) => {
                task.abort();
                Ok(json!(true))
            }
            None => Err(RpcError::refused("subscription not found")),
        }
    }
}

struct Subscriber {
    rpc: Arc<Rpc>,
    outbox: Outbox,
    id: String,
}

impl Subscriber {
    /// `false` when the client is gone or too slow.
    fn tell(&self, result: &Value) -> bool {
        let message = json!({
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": { "subscription": self.id, "result": result },
        });
        self.outbox.try_send(message.to_string()).is_ok()
    }

    /// New heads, or with a filter their logs.
    async fn follow_heads(self, mut heads: watch::Receiver<Arc<ChainBlock>>, filter: Option<Filter>) {
        let mut last: Arc<ChainBlock> = Arc::clone(&heads.borrow_and_update());
        while heads.changed().await.is_ok() {
            let head = Arc::clone(&heads.borrow_and_update());
            let rpc = Arc::clone(&self.rpc);
            let from = std::mem::replace(&mut last, Arc::clone(&head));
            let path = tokio::task::spawn_blocking(move || rpc.backend.chain().path(&from, &head));
            let Ok(Ok(change)) = path.await else { return };
            let told = match &filter {
                None => self.tell_heads(&change),
                Some(filter) => self.tell_logs(change, filter),
            };
            if !told {
                return;
            }
        }
    }

    fn tell_heads(&self, change: &HeadChange) -> bool {
        change.enacted.iter().all(|block| view::header(block).is_ok_and(|header| self.tell(&header)))
    }

    fn tell_logs(&self, change: HeadChange, filter: &Filter) -> bool {
        let logs = logs_of_change(&in_range(change, filter), filter);
        logs.iter().all(|log| view::to_json(log).is_ok_and(|log| self.tell(&log)))
    }

    async fn follow_pool(self, mut announced: broadcast::Receiver<Announced>, full: bool) {
        loop {
            let result = match announced.recv().await {
                Ok(new) if full => view::transaction(&new.transaction, new.sender, Place::default()),
                Ok(new) => Ok(json!(new.transaction.tx_hash())),
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            if !result.is_ok_and(|result| self.tell(&result)) {
                return;
            }
        }
    }
}
