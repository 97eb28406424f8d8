//! The provider's key as the bundles ask for it.

use alloy_primitives::B256;
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use medrec_anonymizer::bundle::{Signer, SignerError};
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::from_chain;

/// A key in memory that signs manifests.
pub struct BundleKey(pub PrivateKeySigner);

impl Signer for BundleKey {
    fn address(&self) -> Address {
        from_chain(self.0.address())
    }

    fn sign(&self, digest: [u8; 32]) -> Result<[u8; 65], SignerError> {
        Ok(self.0.sign_hash_sync(&B256::new(digest))?.as_bytes())
    }
}
