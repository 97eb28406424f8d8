//! The client of a gatekeeper: every method of the protocol, signed by the key that asks.
//!
//! A client is bound to one provider on one chain: both are in each signature and are compared with the gatekeeper's
//! status before anything is signed. Nonces are fresh from the operating system, requests are dated by the
//! gatekeeper's clock. Every question may be asked again: what acts on chain is done once for each idempotency key, epoch, bounty or
//! signed act, so a second execution is the first one again.
//!
//! What not: which question to ask; the chain.

mod clock;
mod events;
mod options;
mod sse;
mod transport;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::bytes::Bytes;
use alloy_signer::Signer;
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::claims::BUNDLE_TYPE;
use medrec_protocol::methods::status::{STATUS_PATH, StatusAnswer};
use medrec_protocol::{Asking, Hexadecimal, Method, RefusalCode, Signed, request_digest};
use medrec_transport::{Bounds, Method as Verb, Question};

pub use self::events::Notifications;
pub use self::options::GatekeeperOptions;

use self::clock::ServerClock;
use self::transport::Transport;
use crate::error::WalletError;

/// For how long a request is good, in seconds.
const VALIDITY_S: u64 = 120;
/// Methods that may take long.
const LONG: [&str; 3] = ["epochs/run", "claims/bounty", "claims/shard"];

/// A gatekeeper's client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GatekeeperClient {
    transport: Transport,
    options: GatekeeperOptions,
    chain_id: u64,
    provider: Address,
    clock: Arc<Mutex<Option<ServerClock>>>,
}

impl GatekeeperClient {
    /// A client of a provider's gatekeeper. Nobody is asked yet.
    ///
    /// # Errors
    /// [`WalletError::Gatekeeper`] for an address that cannot be used.
    pub fn new(
        endpoint: &str,
        chain_id: u64,
        provider: Address,
        options: GatekeeperOptions,
    ) -> Result<Self, WalletError> {
        let transport = Transport::new(endpoint, &options)?;
        Ok(Self { transport, options, chain_id, provider, clock: Arc::new(Mutex::new(None)) })
    }

    /// The address that is asked.
    pub fn endpoint(&self) -> &str {
        self.transport.endpoint()
    }

    /// The provider's account.
    pub const fn provider(&self) -> Address {
        self.provider
    }

    /// What the gatekeeper says about itself; its clock is set by it.
    ///
    /// # Errors
    /// [`WalletError::OtherGatekeeper`] when it serves another provider or chain; [`WalletError::Gatekeeper`].
    pub async fn status(&self) -> Result<StatusAnswer, WalletError> {
        let question = Question {
            method: Verb::GET,
            path: STATUS_PATH.to_owned(),
            accept: "application/json",
            body: Bytes::new(),
        };
        let bounds = Bounds { timeout: self.options.timeout, bytes: self.options.most_bytes };
        let bytes = self.transport.ask("status", question, bounds).await?;
        let status: StatusAnswer = serde_json::from_slice(&bytes)
            .map_err(|error| self.transport.failed("status", format!("the answer is no status: {error}")))?;
        let other = |problem| WalletError::OtherGatekeeper { endpoint: self.endpoint().to_owned(), problem };
        if status.provider != self.provider {
            let problem = format!("belongs to the provider {}, not to {}", status.provider, self.provider);
            return Err(other(problem));
        }
        if status.chain_id != self.chain_id {
            return Err(other(format!("is on chain {}, not on {}", status.chain_id, self.chain_id)));
        }
        self.set_clock(Some(ServerClock::new(status.time_s)));
        Ok(status)
    }

    /// Asks a method whose answer is JSON.
    ///
    /// # Errors
    /// [`WalletError::Refused`] with the gatekeeper's code; [`WalletError::Gatekeeper`] when it cannot be reached or answers
    /// with something else.
    pub async fn ask<M: Method>(
        &self,
        signer: &(dyn Signer + Send + Sync),
        body: &M::Body,
    ) -> Result<M::Answer, WalletError>
    where
        M::Body: Clone,
    {
        let bytes = self.exchange::<M>(signer, body, "application/json").await?;
        // A method without an answer may have no body at all.
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(text).map_err(|error| {
            self.transport.failed(M::NAME, format!("the answer is not one of this method: {error}"))
        })
    }

    /// Asks a method that is answered with the bytes of a bundle.
    ///
    /// # Errors
    /// As [`GatekeeperClient::ask`].
    pub async fn bundle<M: Method<Answer = ()>>(
        &self,
        signer: &(dyn Signer + Send + Sync),
        body: &M::Body,
    ) -> Result<Bytes, WalletError>
    where
        M::Body: Clone,
    {
        self.exchange::<M>(signer, body, BUNDLE_TYPE).await
    }

    async fn exchange<M: Method>(
        &self,
        signer: &(dyn Signer + Send + Sync),
        body: &M::Body,
        accept: &'static str,
    ) -> Result<Bytes, WalletError>
    where
        M::Body: Clone,
    {
        let is_long = LONG.contains(&M::NAME);
        let timeout = if is_long { self.options.long_timeout } else { self.options.timeout };
        let bytes =
            if accept == BUNDLE_TYPE { self.options.most_bundle_bytes } else { self.options.most_bytes };
        let mut pause = Duration::from_millis(250);
        let mut attempt = 1;
        loop {
            let question = self.question::<M>(signer, body, accept).await?;
            let error = match self.transport.ask(M::NAME, question, Bounds { timeout, bytes }).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => error,
            };
            if attempt >= self.options.attempts || !may_ask_again(&error) {
                return Err(error);
            }
            if is_refused(&error, RefusalCode::Expired) {
                // Its clock was set, or it started this very second: what is dated so is refused for ever.
                self.set_clock(None);
                pause = pause.max(Duration::from_millis(1_100));
            }
            if is_refused(&error, RefusalCode::TooManyRequests) {
                pause = pause.max(Duration::from_secs(1));
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
    }

    /// A signed question with a nonce of its own.
    async fn question<M: Method>(
        &self,
        signer: &(dyn Signer + Send + Sync),
        body: &M::Body,
        accept: &'static str,
    ) -> Result<Question, WalletError>
    where
        M::Body: Clone,
    {
        let issued_s = self.now_s().await?;
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|_| WalletError::NoRandomness)?;
        let asking = Asking {
            chain_id: self.chain_id,
            audience: self.provider,
            signer: from_chain(signer.address()),
            nonce: Hexadecimal(nonce),
            issued_s,
            expiry_s: issued_s.saturating_add(VALIDITY_S),
        };
        let digest = request_digest::<M>(body, &asking)?;
        let signature = signer.sign_hash(&digest).await;
        let signature = signature
            .map_err(|error| self.transport.failed(M::NAME, format!("the key did not sign: {error}")))?;
        let envelope = Signed::new(body.clone(), &asking, signature.as_bytes());
        let body = serde_json::to_vec(&envelope).map_err(|error| {
            self.transport.failed(M::NAME, format!("the question has no JSON form: {error}"))
        })?;
        let path = format!("/v1/{}", M::NAME);
        Ok(Question { method: Verb::POST, path, accept, body: body.into() })
    }

    async fn now_s(&self) -> Result<u64, WalletError> {
        let known = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(clock) => Ok(clock.now_s()),
            None => Ok(self.status().await?.time_s),
        }
    }

    fn set_clock(&self, clock: Option<ServerClock>) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = clock;
    }
}

fn is_refused(error: &WalletError, wanted: RefusalCode) -> bool {
    matches!(error, WalletError::Refused { code, .. } if *code == wanted)
}

/// Whether a question may be asked again after this error. What was refused so was not done; after a broken connection nobody
/// knows, and asking again finds out.
fn may_ask_again(error: &WalletError) -> bool {
    match error {
        WalletError::Refused { code, .. } => matches!(
            code,
            RefusalCode::Expired
                | RefusalCode::Busy
                | RefusalCode::TooManyRequests
                | RefusalCode::ChainUnavailable
        ),
        WalletError::Gatekeeper { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
