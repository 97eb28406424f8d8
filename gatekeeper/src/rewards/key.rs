//! The provider's keys as the bundles ask for them.
//!
//! A bundle is signed by the key that spoke for the provider at the bundle's block, which is what a verifier holds it against. After
//! a change of key the earlier one still signs what earlier blocks earned, and nothing else.

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use medrec_anonymizer::bundle::{Signer, SignerError};
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::from_chain;

/// A key that signs bundles.
pub(super) type Key = Arc<dyn Signer + Send + Sync>;

/// A key in memory that signs manifests.
pub struct BundleKey {
    /// The provider's account.
    pub account: Address,
    /// A key that speaks for it, or did.
    pub key: PrivateKeySigner,
}

impl Signer for BundleKey {
    fn address(&self) -> Address {
        from_chain(self.key.address())
    }

    fn account(&self) -> Address {
        self.account
    }

    fn sign(&self, digest: [u8; 32]) -> Result<[u8; 65], SignerError> {
        Ok(self.key.sign_hash_sync(&B256::new(digest))?.as_bytes())
    }
}
