//! JSON-RPC over plain HTTP with bounds: how long an answer may take, how large it may be, and that
//! it answers what was asked.
//!
//! Why here: a node may be slow, hostile or something else entirely, and nothing above this file
//! should have to think of it. What not: no TLS. Nodes are asked on loopback or in a private network;
//! elsewhere a tunnel stands in front of them.

use std::collections::HashSet;
use std::task::{Context, Poll};
use std::time::Duration;

use alloy_json_rpc::{RequestPacket, ResponsePacket, RpcError};
use alloy_primitives::bytes::Bytes;
use alloy_transport::{TransportError, TransportErrorKind, TransportFut};
use http::{Request, Uri, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

/// Bounds of one exchange with a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// From the first byte sent to the last byte received, connecting included.
    pub(crate) timeout: Duration,
    /// Largest answer, in bytes.
    pub(crate) response_bytes: usize,
}

/// One node's address and the connections to it.
#[derive(Debug, Clone)]
pub(crate) struct BoundedHttp {
    url: Uri,
    client: Client<HttpConnector, Full<Bytes>>,
    bounds: Bounds,
}

impl BoundedHttp {
    /// A transport to `url`; the error is a sentence for whoever wrote the URL.
    pub(crate) fn new(url: &str, bounds: Bounds) -> Result<Self, String> {
        let url: Uri = url.parse().map_err(|error| format!("it is no URL: {error}"))?;
        match (url.scheme_str(), url.authority()) {
            (Some("http"), Some(authority)) if !authority.as_str().contains('@') => {}
            (Some("https"), _) => return Err("https is not spoken; put a tunnel in front of it".to_owned()),
            _ => return Err("only http://HOST:PORT is spoken".to_owned()),
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(bounds.timeout));
        connector.set_nodelay(true);
        Ok(Self { url, client: Client::builder(TokioExecutor::new()).build(connector), bounds })
    }

    async fn exchange(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let timeout = self.bounds.timeout;
        let answer = tokio::time::timeout(timeout, self.post(request)).await;
        answer.unwrap_or_else(|_| Err(failure(&format!("no answer within {timeout:?}"))))
    }

    async fn post(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let asked: HashSet<_> = request.requests().iter().map(|request| request.id().clone()).collect();
        let body = request.serialize().map_err(RpcError::SerError)?;
        let post = Request::post(self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(Box::<str>::from(body).into_string()))
            .map_err(|error| failure(&error.to_string()))?;
        let response = self.client.request(post).await.map_err(|error| failure(&chain_of(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), self.bounds.response_bytes).collect().await;
        let body = body.map_err(|error| failure(&format!("the answer broke off: {error}")))?.to_bytes();
        if !status.is_success() {
            return Err(TransportErrorKind::http_error(status.as_u16(), excerpt(&body)));
        }
        let packet: ResponsePacket =
            serde_json::from_slice(&body).map_err(|error| RpcError::deser_err(error, excerpt(&body)))?;
        if packet.response_ids().any(|id| !asked.contains(id)) {
            return Err(failure("the answer belongs to another request"));
        }
        Ok(packet)
    }
}

impl tower::Service<RequestPacket> for BoundedHttp {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().exchange(request))
    }
}

fn failure(why: &str) -> TransportError {
    TransportErrorKind::custom_str(why)
}

/// The beginning of a body, for an error text.
fn excerpt(body: &[u8]) -> String {
    const EXCERPT_BYTES: usize = 120;
    String::from_utf8_lossy(&body[..body.len().min(EXCERPT_BYTES)]).into_owned()
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
        let bounds = Bounds { timeout: Duration::from_secs(1), response_bytes: 1 };
        assert!(BoundedHttp::new("http://127.0.0.1:8545", bounds).is_ok());
        for (url, says) in [
            ("https://node.example", "tunnel"),
            ("127.0.0.1:8545", "only http"),
            ("ws://node.example", "only http"),
            ("http://name:secret@node.example", "only http"),
            ("http://", "no URL"),
        ] {
            let error = BoundedHttp::new(url, bounds).unwrap_err();
            assert!(error.contains(says), "{url}: {error}");
        }
    }
}
