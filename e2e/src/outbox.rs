//! Outboxes that do not let a test wait.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alloy_signer_local::PrivateKeySigner;
use medrec_chain::{Client, Sender, SenderOptions};

/// Looks often, and is content with two confirmations.
pub fn sender_options() -> SenderOptions {
    SenderOptions { confirmations: 2, poll_interval: Duration::from_millis(30), ..SenderOptions::default() }
}

/// The outbox of an account, with [`sender_options`].
pub fn outbox(client: &Client, signer: PrivateKeySigner, path: &Path) -> Sender {
    Sender::open(client.clone(), Arc::new(signer), path, sender_options()).unwrap()
}
