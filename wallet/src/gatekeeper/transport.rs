//! Questions to a gatekeeper, and its refusals.
//!
//! Plain HTTP, to loopback or a private network, as with nodes; a tunnel carries it elsewhere. What is asked and answered is
//! signed or public, so that a listener learns records only where the network is not private.

use std::time::Duration;

use alloy_primitives::bytes::Bytes;
use medrec_protocol::{Refusal, RefusalCode};
use medrec_transport::{Answer, Bounds, HttpClient, OpenAnswer, Question, StatusCode};

use super::options::GatekeeperOptions;
use crate::error::WalletError;

/// One gatekeeper's address and the connections to it.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    http: HttpClient,
}

impl Transport {
    pub(super) fn new(endpoint: &str, options: &GatekeeperOptions) -> Result<Self, WalletError> {
        let endpoint = endpoint.trim_end_matches('/');
        let http =
            HttpClient::new(endpoint, options.connect_timeout).map_err(|error| WalletError::Gatekeeper {
                endpoint: endpoint.to_owned(),
                method: "connect",
                problem: error.to_string(),
            })?;
        Ok(Self { http })
    }

    /// As it was given, without a slash at the end.
    pub(super) fn endpoint(&self) -> &str {
        self.http.url()
    }

    /// An error of this gatekeeper.
    pub(super) fn failed(&self, method: &'static str, problem: impl Into<String>) -> WalletError {
        WalletError::Gatekeeper { endpoint: self.endpoint().to_owned(), method, problem: problem.into() }
    }

    /// Asks, and gives the head of the answer with its body still to come.
    pub(super) async fn open(
        &self,
        method: &'static str,
        question: Question,
        timeout: Duration,
    ) -> Result<OpenAnswer, WalletError> {
        let opened = self.http.open(question, timeout).await;
        opened.map_err(|error| self.failed(method, error.to_string()))
    }

    /// Asks, and takes the whole answer in.
    ///
    /// # Errors
    /// [`WalletError::Refused`] with the code; [`WalletError::Gatekeeper`] for everything that is not the protocol.
    pub(super) async fn ask(
        &self,
        method: &'static str,
        question: Question,
        bounds: Bounds,
    ) -> Result<Bytes, WalletError> {
        let answer = self.http.ask(question, bounds).await;
        let answer = answer.map_err(|error| self.failed(method, error.to_string()))?;
        if answer.status == StatusCode::OK {
            return Ok(answer.body);
        }
        Err(self.refusal(method, &answer))
    }

    /// The error of an answer that is none.
    pub(super) fn refusal(&self, method: &'static str, answer: &Answer) -> WalletError {
        match refusal_code(&answer.body) {
            Some(code) => WalletError::Refused { endpoint: self.endpoint().to_owned(), method, code },
            None => self.failed(method, format!("it answers with {}", answer.says())),
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
