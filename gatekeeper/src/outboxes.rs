//! The provider's outboxes: one for its present key, and one for each earlier key that is still at hand.
//!
//! An outbox belongs to one key. What was accepted before a change of key is looked after to its end under the key that signed it,
//! and is found by its name afterwards; everything new goes out under the present key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::{ChainError, Client, Entry, Sender, SenderOptions};

/// The outboxes.
pub(crate) struct Outboxes {
    /// Of the present key.
    pub(crate) present: Arc<Sender>,
    earlier: Vec<Arc<Sender>>,
}

impl Outboxes {
    /// Opens the outbox of the present key, or makes it, and those of earlier keys that ever sent something from this folder.
    pub(crate) fn open(
        client: &Client,
        folder: &Path,
        provider: Address,
        present: &PrivateKeySigner,
        earlier: &[PrivateKeySigner],
        options: &SenderOptions,
    ) -> Result<Self, ChainError> {
        let open = |key: &PrivateKeySigner| {
            let path = path(folder, provider, key.address());
            Sender::open(client.clone(), Arc::new(key.clone()), &path, options.clone()).map(Arc::new)
        };
        let is_used = |key: &&PrivateKeySigner| {
            key.address() != present.address() && path(folder, provider, key.address()).exists()
        };
        let earlier = earlier.iter().filter(is_used).map(open).collect::<Result<_, _>>()?;
        Ok(Self { present: open(present)?, earlier })
    }

    /// A transaction, by its name, whichever key sent it.
    pub(crate) fn find(&self, name: &str) -> Option<Entry> {
        self.all().find_map(|outbox| outbox.find(name))
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Sender>> {
        std::iter::once(&self.present).chain(&self.earlier)
    }
}

/// The file of a key: the account's own first key has no other name.
fn path(folder: &Path, provider: Address, key: Address) -> PathBuf {
    if key == provider {
        return folder.join("outbox.redb");
    }
    folder.join(format!("outbox-{}.redb", key.to_string().to_lowercase()))
}
