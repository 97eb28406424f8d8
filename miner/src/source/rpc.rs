//! JSON-RPC of a node: calls, and answers that answer what was asked.
//!
//! What not: HTTP with its bounds, which is the room `transport`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use medrec_transport::{Bounds, ExchangeError, HttpClient, Question};
use serde_json::{Value, json};

use crate::error::MinerError;
use crate::work::{excerpt, shortened};

/// Largest answer in bytes. A work has 300.
const RESPONSE_BYTES: usize = 64 << 10;
/// A peer that does not even take the connection within this time is silent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A node.
#[derive(Debug)]
pub(super) struct RpcClient {
    http: HttpClient,
    timeout: Duration,
    next_id: AtomicU64,
}

impl RpcClient {
    /// A client of the node at `url`.
    ///
    /// # Errors
    /// [`MinerError::Option`] for a URL that is none, or not a plain one.
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Self, MinerError> {
        let http = HttpClient::new(url, CONNECT_TIMEOUT.min(timeout)).map_err(|error| {
            MinerError::Option { what: format!("node {}", shortened(url)), why: error.to_string() }
        })?;
        Ok(Self { http, timeout, next_id: AtomicU64::new(1) })
    }

    /// The URL as the user wrote it.
    pub(super) fn name(&self) -> &str {
        self.http.url()
    }

    /// Calls `method`; the answer's `result`.
    ///
    /// # Errors
    /// [`MinerError::Unreachable`], [`MinerError::Silent`], [`MinerError::Refused`], [`MinerError::Nonsense`].
    pub(super) async fn call(&self, method: &str, params: Value) -> Result<Value, MinerError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        let bounds = Bounds { timeout: self.timeout, bytes: RESPONSE_BYTES };
        let answer =
            self.http.ask(Question::json(body), bounds).await.map_err(|error| self.failed(&error))?;
        if !answer.status.is_success() {
            return Err(self.nonsense(answer.says()));
        }
        self.result_of(id, &answer.body)
    }

    fn failed(&self, error: &ExchangeError) -> MinerError {
        let url = self.name().to_owned();
        match error {
            ExchangeError::Silent(timeout) => MinerError::Silent { url, timeout: *timeout },
            ExchangeError::TooLong(bytes) => self.nonsense(format!("it is longer than {bytes} bytes")),
            error => MinerError::Unreachable { url, why: error.to_string() },
        }
    }

    fn result_of(&self, id: u64, answer: &[u8]) -> Result<Value, MinerError> {
        let mut answer: Value = serde_json::from_slice(answer).map_err(|_| {
            self.nonsense(format!("it is no JSON: {}", shortened(&String::from_utf8_lossy(answer))))
        })?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let message = error.get("message").and_then(Value::as_str);
            return Err(MinerError::Refused {
                url: self.name().to_owned(),
                code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
                message: message.map_or_else(|| excerpt(error), shortened),
            });
        }
        if answer.get("id") != Some(&json!(id)) {
            return Err(self.nonsense("it belongs to another request".to_owned()));
        }
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(self.nonsense("it has neither result nor error".to_owned())),
        }
    }

    /// The error for an answer that makes no sense.
    pub(super) fn nonsense(&self, why: String) -> MinerError {
        MinerError::Nonsense { url: self.name().to_owned(), why }
    }
}
