//! JSON-RPC over plain HTTP with bounds: one long-lived connection, how long an answer may take, how large it may be,
//! and that it answers what was asked.
//!
//! What not: no TLS. Nodes stand on loopback or in a private network; elsewhere a tunnel stands in front of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use http::{Request, Uri, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::error::MinerError;
use crate::work::{excerpt, shortened};

/// Largest answer in bytes. A work has 300.
const RESPONSE_BYTES: usize = 64 << 10;
/// A peer that does not even take the connection within this time is silent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A node's address and the connection to it.
#[derive(Debug)]
pub(super) struct RpcClient {
    url: Uri,
    name: String,
    client: Client<HttpConnector, Full<Bytes>>,
    timeout: Duration,
    next_id: AtomicU64,
}

impl RpcClient {
    /// A client of the node at `url`.
    ///
    /// # Errors
    /// [`MinerError::Option`] for a URL that is none, or not a plain one.
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Self, MinerError> {
        let refuse =
            |why: &str| MinerError::Option { what: format!("node {}", shortened(url)), why: why.to_owned() };
        let uri: Uri = url.parse().map_err(|error| refuse(&format!("it is no URL: {error}")))?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http"), Some(authority)) if !authority.as_str().contains('@') => {}
            (Some("https"), _) => {
                return Err(refuse("https is not spoken\n\nhint: put a tunnel in front of it"));
            }
            _ => return Err(refuse("only http://HOST:PORT is spoken")),
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT.min(timeout)));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { url: uri, name: url.to_owned(), client, timeout, next_id: AtomicU64::new(1) })
    }

    /// The URL as the user wrote it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Calls `method`; the answer's `result`.
    ///
    /// # Errors
    /// [`MinerError::Unreachable`], [`MinerError::Silent`], [`MinerError::Refused`], [`MinerError::Nonsense`].
    pub(super) async fn call(&self, method: &str, params: Value) -> Result<Value, MinerError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        let exchanged = tokio::time::timeout(self.timeout, self.exchange(body)).await;
        let answer = exchanged
            .unwrap_or_else(|_| Err(MinerError::Silent { url: self.name.clone(), timeout: self.timeout }))?;
        self.result_of(id, &answer)
    }

    async fn exchange(&self, body: String) -> Result<Bytes, MinerError> {
        let unreachable = |why: String| MinerError::Unreachable { url: self.name.clone(), why };
        let post = Request::post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .map_err(|error| unreachable(error.to_string()))?;
        let response = self.client.request(post).await.map_err(|error| unreachable(chain_of(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), RESPONSE_BYTES).collect().await;
        let body = body.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                return self.nonsense(format!("it is longer than {RESPONSE_BYTES} bytes"));
            }
            unreachable(format!("the answer broke off: {error}"))
        })?;
        if !status.is_success() {
            return Err(self.nonsense(format!("HTTP status {status}")));
        }
        Ok(body.to_bytes())
    }

    fn result_of(&self, id: u64, answer: &[u8]) -> Result<Value, MinerError> {
        let mut answer: Value = serde_json::from_slice(answer).map_err(|_| {
            self.nonsense(format!("it is no JSON: {}", shortened(&String::from_utf8_lossy(answer))))
        })?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let message = error.get("message").and_then(Value::as_str);
            return Err(MinerError::Refused {
                url: self.name.clone(),
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
        MinerError::Nonsense { url: self.name.clone(), why }
    }
}

/// An error with its causes: hyper keeps the reason ("connection refused") in the source.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_with_a_host_is_taken() {
        let timeout = Duration::from_secs(1);
        assert!(RpcClient::new("http://127.0.0.1:8545", timeout).is_ok());
        for (url, says) in [
            ("https://node.example", "tunnel"),
            ("127.0.0.1:8545", "only http"),
            ("ws://node.example", "only http"),
            ("http://name:secret@node.example", "only http"),
            ("http://", "no URL"),
        ] {
            let error = RpcClient::new(url, timeout).unwrap_err().to_string();
            assert!(error.contains(says), "{url}: {error}");
        }
    }
}
