//! The seam between the RPC client and HTTP: packets of requests, and answers that answer what was asked.
//!
//! What not: bounds on time and size, which are the room `transport`'s.

use std::collections::HashSet;
use std::task::{Context, Poll};

use alloy_json_rpc::{RequestPacket, ResponsePacket, RpcError};
use alloy_transport::{TransportError, TransportErrorKind, TransportFut};
use medrec_transport::{Bounds, HttpClient, Question, UrlError};

/// One node's address and the connections to it.
#[derive(Debug, Clone)]
pub(crate) struct BoundedHttp {
    http: HttpClient,
    bounds: Bounds,
}

impl BoundedHttp {
    /// A transport to `url`.
    pub(crate) fn new(url: &str, bounds: Bounds) -> Result<Self, UrlError> {
        Ok(Self { http: HttpClient::new(url, bounds.timeout)?, bounds })
    }

    async fn exchange(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let asked: HashSet<_> = request.requests().iter().map(|request| request.id().clone()).collect();
        let body = request.serialize().map_err(RpcError::SerError)?;
        let question = Question::json(Box::<str>::from(body).into_string());
        let answer = self.http.ask(question, self.bounds).await;
        let answer = answer.map_err(|error| failure(&error.to_string()))?;
        if !answer.status.is_success() {
            return Err(TransportErrorKind::http_error(answer.status.as_u16(), excerpt(&answer.body)));
        }
        let packet: ResponsePacket = serde_json::from_slice(&answer.body)
            .map_err(|error| RpcError::deser_err(error, excerpt(&answer.body)))?;
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
