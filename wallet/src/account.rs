//! An account that pays with its own ether: a provider's, a researcher's.
//!
//! Its transactions lie in an outbox file beside the keystore, so that one that was sent is looked after until it is in the
//! chain, whatever happens to the process.

use std::path::Path;
use std::sync::Arc;

use alloy_signer_local::PrivateKeySigner;

use medrec_chain::{Act, ContractCall, Request, Sender, SenderOptions, State};
use serde::Serialize;

use crate::error::WalletError;
use crate::network::Place;

/// A transaction that came into the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// What it did.
    pub act: String,
    /// The block that carries it.
    pub block: u64,
}

/// An account with ether.
pub struct Account {
    /// The chain.
    pub place: Place,
    /// Its key.
    pub signer: PrivateKeySigner,
    sender: Sender,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Account({})", self.sender.account())
    }
}

impl Account {
    /// Opens the account's outbox, or makes it. No node is asked.
    ///
    /// # Errors
    /// [`WalletError::Chain`] when the file is in use or belongs to another account or chain.
    pub fn open(
        place: Place,
        signer: PrivateKeySigner,
        outbox: &Path,
        confirmations: u64,
    ) -> Result<Self, WalletError> {
        let options = SenderOptions {
            confirmations,
            poll_interval: std::time::Duration::from_millis(300),
            ..SenderOptions::default()
        };
        let sender = Sender::open(place.client.clone(), Arc::new(signer.clone()), outbox, options)?;
        Ok(Self { place, signer, sender })
    }

    /// Its outbox.
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Calls a contract and waits until the call is in the chain.
    ///
    /// # Errors
    /// As [`Account::send`].
    pub async fn call<C: ContractCall>(&self, call: &C, key: Option<String>) -> Result<Done, WalletError> {
        self.send(self.place.contracts.act(call), key).await
    }

    /// Sends an act and waits until it is in the chain with its confirmations. The same `key` again is the same transaction.
    ///
    /// # Errors
    /// [`WalletError::Chain`] when the contract refuses or the account cannot pay; [`WalletError::Act`] when it came to
    /// nothing.
    pub async fn send(&self, act: Act, key: Option<String>) -> Result<Done, WalletError> {
        self.execute(Request { act, key, gas_limit: None }).await
    }

    /// Sends what `build` makes, once under a name, and waits as [`Account::send`] does: what the outbox has under that name is waited for
    /// instead. One that came to nothing (refused, its nonce taken by another program with the same key) is made and sent again.
    ///
    /// # Errors
    /// Those of `build`, and as [`Account::send`].
    pub async fn once(
        &self,
        name: &str,
        build: impl AsyncFn() -> Result<Request, WalletError>,
    ) -> Result<Done, WalletError> {
        let mut attempt = 1_u32;
        loop {
            let key = attempt_of(name, attempt);
            attempt += 1;
            let (act, nonce) = match self.sender.find(&key) {
                Some(entry) if came_to_nothing(&entry.state) => continue,
                Some(entry) => (entry.act.what, entry.nonce),
                None => {
                    let request = build().await?.with_key(key);
                    (request.act.what.clone(), self.sender.send(request).await?)
                }
            };
            let state = self.sender.wait(nonce).await?;
            if !matches!(state, State::NonceTaken) {
                return done(act, &state);
            }
        }
    }

    /// Whether the outbox has something under a name of [`Account::once`].
    pub fn has(&self, name: &str) -> bool {
        self.sender.find(&attempt_of(name, 1)).is_some()
    }

    /// As [`Account::send`], with everything that a request can say.
    ///
    /// # Errors
    /// As [`Account::send`].
    pub async fn execute(&self, request: Request) -> Result<Done, WalletError> {
        let what = request.act.what.clone();
        let nonce = self.sender.send(request).await?;
        done(what, &self.sender.wait(nonce).await?)
    }
}

/// What the outbox calls an attempt at something that happens once.
fn attempt_of(name: &str, attempt: u32) -> String {
    format!("{name}, attempt {attempt}")
}

const fn came_to_nothing(state: &State) -> bool {
    state.is_settled() && !matches!(state, State::Confirmed(_))
}

/// What became of an act whose state is settled.
fn done(act: String, state: &State) -> Result<Done, WalletError> {
    if let State::Confirmed(inclusion) = state {
        return Ok(Done { act, block: inclusion.block.number });
    }
    let problem = state.refusal().map_or_else(
        || "it was not executed".to_owned(),
        |refusal| format!("the contract refuses: {refusal}"),
    );
    Err(WalletError::Act { act, problem })
}
