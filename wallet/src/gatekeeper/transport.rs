//! HTTP to a gatekeeper, with bounds on time and size.
//!
//! Plain HTTP, to loopback or a private network, as with nodes; a tunnel carries it elsewhere. What is asked and answered is
//! signed or public, so that a listener learns records only where the network is not private.

use std::time::Duration;

use alloy_primitives::bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method as Verb, Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use medrec_protocol::{Refusal, RefusalCode};

use super::options::GatekeeperOptions;
use crate::error::WalletError;

/// The body of an answer, as it comes in.
pub(super) type Body = BoxBody<Bytes, String>;

/// One gatekeeper's address and the connections to it.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    /// As it was given, without a slash at the end.
    pub(super) endpoint: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What is asked for.
pub(super) struct Question {
    /// The method, for errors.
    pub(super) method: &'static str,
    /// GET or POST.
    pub(super) verb: Verb,
    /// Path with a slash in front.
    pub(super) path: String,
    /// The body.
    pub(super) body: Vec<u8>,
    /// Media type that is wanted.
    pub(super) accept: &'static str,
}

impl Transport {
    pub(super) fn new(endpoint: &str, options: &GatekeeperOptions) -> Result<Self, WalletError> {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let refuse = |problem: &str| WalletError::Gatekeeper {
            endpoint: endpoint.clone(),
            method: "connect",
            problem: problem.to_owned(),
        };
        let url: Uri = endpoint.parse().map_err(|_| refuse("it is no URL"))?;
        match (url.scheme_str(), url.authority()) {
            (Some("http"), Some(authority)) if !authority.as_str().contains('@') => {}
            (Some("https"), _) => return Err(refuse("https is not spoken; put a tunnel in front of it")),
            _ => return Err(refuse("only http://HOST:PORT is spoken")),
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(options.connect_timeout));
        connector.set_nodelay(true);
        Ok(Self { endpoint, client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// An error of this gatekeeper.
    pub(super) fn failed(&self, method: &'static str, problem: impl Into<String>) -> WalletError {
        WalletError::Gatekeeper { endpoint: self.endpoint.clone(), method, problem: problem.into() }
    }

    /// Asks, and gives the head of the answer with its body still to come.
    pub(super) async fn open(
        &self,
        question: Question,
        timeout: Duration,
    ) -> Result<Response<Body>, WalletError> {
        let method = question.method;
        let request = Request::builder()
            .method(question.verb)
            .uri(format!("{}{}", self.endpoint, question.path))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, question.accept)
            .body(Full::from(question.body))
            .map_err(|error| self.failed(method, error.to_string()))?;
        let answer = tokio::time::timeout(timeout, self.client.request(request)).await;
        let answer = answer.map_err(|_| self.failed(method, format!("no answer within {timeout:?}")))?;
        let answer = answer.map_err(|error| self.failed(method, chain_of(&error)))?;
        Ok(answer.map(|body| body.map_err(|error| chain_of(&error)).boxed()))
    }

    /// Asks, and takes the whole answer in.
    ///
    /// # Errors
    /// [`WalletError::Refused`] with the code; [`WalletError::Gatekeeper`] for everything that is not the protocol.
    pub(super) async fn ask(
        &self,
        question: Question,
        timeout: Duration,
        most_bytes: usize,
    ) -> Result<Bytes, WalletError> {
        let method = question.method;
        let exchange = async {
            let answer = self.open(question, timeout).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), most_bytes).collect().await;
            let body = body.map_err(|error| self.failed(method, format!("the answer broke off: {error}")))?;
            Ok::<_, WalletError>((status, body.to_bytes()))
        };
        let exchanged = tokio::time::timeout(timeout, exchange).await;
        let (status, body) =
            exchanged.map_err(|_| self.failed(method, format!("no whole answer within {timeout:?}")))??;
        if status == StatusCode::OK { Ok(body) } else { Err(self.refusal(method, status, &body)) }
    }

    /// The error of an answer that is none.
    pub(super) fn refusal(&self, method: &'static str, status: StatusCode, body: &[u8]) -> WalletError {
        match refusal_code(body) {
            Some(code) => WalletError::Refused { endpoint: self.endpoint.clone(), method, code },
            None => self.failed(method, format!("it answers with HTTP status {}", status.as_u16())),
        }
    }
}

/// The code of a refusal: bare, or within `error`.
fn refusal_code(body: &[u8]) -> Option<RefusalCode> {
    #[derive(serde::Deserialize)]
    struct Wrapped {
        error: Refusal,
    }
    let bare = serde_json::from_slice::<Refusal>(body).ok();
    let refusal = bare.or_else(|| serde_json::from_slice::<Wrapped>(body).ok().map(|wrapped| wrapped.error));
    refusal.map(|refusal| refusal.code)
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
