//! `shard.json`: what ties the tables of a census shard to the root that its provider committed.
//!
//! ```text
//! content digest = keccak256(canonical JSON of {path: {keccak256, size_bytes}} of every file below tables/)
//! shard hash     = keccak256(salt | content digest)
//! leaf           = keccak256(keccak256(abi.encode(provider, epoch, shard, shard hash)))
//! root           = Merkle root over the leaves of all shards, in their order
//! ```
//!
//! Root and hashes are those of the contract `Releases`, so that the chain can check the same proof. The salt keeps a
//! table from being guessed from its leaf, which every other shard's proof shows.

use std::collections::BTreeMap;

use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::{Address, EpochNumber};
use medrec_domain::manifest::{FileDigest, Occasion};
use medrec_domain::{Digest, DomainError, canonical, keccak256, merkle};
use serde::{Deserialize, Serialize};

use super::files::{Files, TABLES};

/// The file.
pub(super) const SHARD: &str = "shard.json";
/// Version of its form.
const VERSION: u32 = 1;
/// What `content` is over, in words for whoever opens the file.
const OVER: &str = "canonical JSON of size and Keccak-256 of every file below tables/, by path";

/// The content of `shard.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardFile {
    /// Version of this form.
    pub version: u32,
    /// What the content digest is over.
    pub over: String,
    /// Content digest of the tables.
    pub content: Digest,
    /// Random; goes before the content digest.
    pub salt: Digest,
    /// Siblings from this shard's leaf up to the root.
    pub proof: Vec<Digest>,
}

/// Digest of all files below `tables/`.
///
/// # Errors
/// None in practice: paths, sizes and digests have a canonical encoding.
pub fn content_digest(files: &Files) -> Result<Digest, DomainError> {
    let tables: BTreeMap<&str, FileDigest> = files
        .iter()
        .filter(|(path, _)| path.starts_with(TABLES))
        .map(|(path, bytes)| (path.as_str(), FileDigest::of(bytes)))
        .collect();
    canonical::digest(&tables)
}

/// A shard's leaf in the tree of its release, as the contract hashes it.
pub fn shard_leaf(
    provider: Address,
    epoch: EpochNumber,
    shard: u32,
    salt: &Digest,
    content: &Digest,
) -> Digest {
    let hash = keccak256_of(&[&salt.0, &content.0]);
    let mut words = [[0; 32]; 3];
    words[0][12..].copy_from_slice(&provider.0);
    words[1][24..].copy_from_slice(&epoch.0.to_be_bytes());
    words[2][28..].copy_from_slice(&shard.to_be_bytes());
    let [first, second, third] = &words;
    keccak256(&keccak256_of(&[first, second, third, &hash.0]).0)
}

impl ShardFile {
    /// The file of a shard.
    pub fn new(content: Digest, salt: Digest, proof: Vec<Digest>) -> Self {
        Self { version: VERSION, over: OVER.into(), content, salt, proof }
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// None in practice: all of it has a canonical encoding.
    pub(super) fn to_canonical_bytes(&self) -> Result<Vec<u8>, DomainError> {
        canonical::encode(self)
    }

    /// Reads canonical bytes, and no others.
    ///
    /// # Errors
    /// [`DomainError::Decode`], [`DomainError::NotCanonical`].
    pub(super) fn from_canonical_bytes(bytes: &[u8]) -> Result<Self, DomainError> {
        canonical::decode("shard", bytes)
    }

    /// Whether these tables are the shard that the occasion names.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn check(&self, occasion: &Occasion, files: &Files) -> Result<(), String> {
        let Occasion::CensusShard { provider, epoch, shard, shards, release_root, .. } = occasion else {
            return Err("the occasion is no shard".into());
        };
        if self.version != VERSION || self.over != OVER {
            return Err("it has another form than this software reads".into());
        }
        if shard >= shards {
            return Err(format!("there is no shard {shard} among {shards}"));
        }
        let content = content_digest(files).map_err(|error| error.to_string())?;
        if content != self.content {
            return Err("the tables are not those that its content digest is over".into());
        }
        let leaf = shard_leaf(*provider, *epoch, *shard, &self.salt, &content);
        if merkle::verify(release_root, &leaf, &self.proof) {
            Ok(())
        } else {
            Err(format!("its proof does not lead to the release root {release_root}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract's own vector, whose shard hash is 32 bytes 0x66; here the outer hashes are made again.
    #[test]
    fn a_leaf_is_the_one_that_the_contract_computes() {
        let text = include_str!("../../../contracts/vectors/eip712.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let provider: Address = vectors["provider"].as_str().unwrap().parse().unwrap();
        let (salt, content) = (keccak256(b"salt"), keccak256(b"content"));
        let own = shard_leaf(provider, EpochNumber(7), 3, &salt, &content);
        let hash = keccak256_of(&[&salt.0, &content.0]);
        assert_eq!(own, leaf_of(provider, hash));
        let expected: Digest = vectors["shardLeaf"].as_str().unwrap().parse().unwrap();
        assert_eq!(leaf_of(provider, Digest([0x66; 32])), expected);
    }

    /// Epoch 7 and shard 3, written out byte by byte.
    fn leaf_of(provider: Address, hash: Digest) -> Digest {
        let mut bytes = vec![0; 12];
        bytes.extend_from_slice(&provider.0);
        bytes.extend_from_slice(&[&[0; 31][..], &[7], &[0; 31], &[3]].concat());
        bytes.extend_from_slice(&hash.0);
        keccak256(&keccak256(&bytes).0)
    }
}
