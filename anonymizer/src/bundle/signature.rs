//! The provider's signature over a manifest: EIP-712, checked by recovering the signer's address.
//!
//! `signature.json` is there in every bundle. Unsigned, it still holds the manifest's digest, so that a
//! changed byte is noticed; it then says nothing about who made the bundle. Keys are never here.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::{Address, ChainId};
use medrec_domain::manifest::Occasion;
use medrec_domain::{Digest, DomainError, canonical, keccak256};
use serde::{Deserialize, Serialize};

use crate::error::AnonymizerError;

/// Name of the EIP-712 domain.
pub const SIGNATURE_DOMAIN: &str = "MedRec bundle";
/// Version of the EIP-712 domain.
const DOMAIN_VERSION: &str = "1";
/// Version of the file.
const FILE_VERSION: u32 = 1;

/// What a signer gives back when it cannot sign.
pub type SignerError = Box<dyn std::error::Error + Send + Sync>;

/// Something that holds the provider's key.
pub trait Signer {
    /// The address of the key.
    fn address(&self) -> Address;

    /// The account that the key speaks for: another address than the key's once an account's key was replaced.
    fn account(&self) -> Address {
        self.address()
    }

    /// Signs a digest: r, s, and v as 27 or 28.
    ///
    /// # Errors
    /// The signer's own.
    fn sign(&self, digest: [u8; 32]) -> Result<[u8; 65], SignerError>;
}

/// The content of `signature.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureFile {
    /// Version of this form.
    pub version: u32,
    /// Name of the EIP-712 domain.
    pub domain: String,
    /// Chain of the EIP-712 domain; 0 for a stand-alone bundle.
    pub chain_id: ChainId,
    /// Keccak-256 of `manifest.json`.
    pub manifest: Digest,
    /// Who signed; `None` when unsigned.
    pub signer: Option<Address>,
    /// `0x` and 130 hexadecimal digits: r, s, v; `None` when unsigned.
    pub signature: Option<String>,
}

/// Chain of the EIP-712 domain of a bundle.
pub(super) const fn chain_of(occasion: &Occasion) -> ChainId {
    match occasion {
        Occasion::CensusShard { block, .. } | Occasion::Bounty { block, .. } => block.chain_id,
        Occasion::StandAlone { .. } => ChainId(0),
    }
}

/// Who has to have signed; `None` where the bundle names nobody.
pub(super) const fn provider_of(occasion: &Occasion) -> Option<Address> {
    match occasion {
        Occasion::CensusShard { provider, .. } | Occasion::Bounty { provider, .. } => Some(*provider),
        Occasion::StandAlone { .. } => None,
    }
}

/// The EIP-712 digest of `Bundle(bytes32 manifest)`.
pub fn signing_digest(chain_id: ChainId, manifest: &Digest) -> [u8; 32] {
    let mut chain = [0; 32];
    chain[24..].copy_from_slice(&chain_id.0.to_be_bytes());
    let separator = keccak256_of(&[
        &keccak256(b"EIP712Domain(string name,string version,uint256 chainId)").0,
        &keccak256(SIGNATURE_DOMAIN.as_bytes()).0,
        &keccak256(DOMAIN_VERSION.as_bytes()).0,
        &chain,
    ]);
    let message = keccak256_of(&[&keccak256(b"Bundle(bytes32 manifest)").0, &manifest.0]);
    keccak256_of(&[&[0x19, 0x01], &separator.0, &message.0]).0
}

/// The account whose key made a signature (r, s, v); `None` when it is none.
///
/// Of the two signatures that every ECDSA signature has, only the one with the lower s is taken, and v is 27 or
/// 28: one signing, one byte string.
pub fn recover(digest: &[u8; 32], signature: &[u8; 65]) -> Option<Address> {
    let recovery = RecoveryId::from_byte(signature[64].checked_sub(27)?).filter(|id| id.to_byte() < 2)?;
    let parsed = Signature::from_slice(&signature[..64]).ok()?;
    if parsed.normalize_s().is_some() {
        return None;
    }
    let key = VerifyingKey::recover_from_prehash(digest, &parsed, recovery).ok()?;
    let point = key.to_encoded_point(false);
    let hash = keccak256(point.as_bytes().get(1..)?);
    hash.0[12..].try_into().ok().map(Address)
}

impl SignatureFile {
    /// Signs a manifest's digest, or states that nobody did.
    ///
    /// # Errors
    /// [`AnonymizerError::Signing`] when the signer fails, or gives a signature that is not its own.
    pub(super) fn new(
        occasion: &Occasion,
        manifest: Digest,
        signer: Option<&dyn Signer>,
    ) -> Result<Self, AnonymizerError> {
        let chain_id = chain_of(occasion);
        let mut file = Self {
            version: FILE_VERSION,
            domain: SIGNATURE_DOMAIN.into(),
            chain_id,
            manifest,
            signer: None,
            signature: None,
        };
        let Some(signer) = signer else { return Ok(file) };
        if provider_of(occasion).is_some_and(|provider| provider != signer.account()) {
            return Err(AnonymizerError::Signing(
                "the key is not that of the provider in the manifest".into(),
            ));
        }
        let digest = signing_digest(chain_id, &manifest);
        let signature = signer.sign(digest).map_err(AnonymizerError::Signing)?;
        if recover(&digest, &signature) != Some(signer.address()) {
            return Err(AnonymizerError::Signing("the signature does not recover to the signer".into()));
        }
        file.signer = Some(signer.address());
        file.signature =
            Some(signature.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}")));
        Ok(file)
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// [`DomainError::Canonical`] for a chain number beyond 2^53 - 1.
    pub(super) fn to_canonical_bytes(&self) -> Result<Vec<u8>, DomainError> {
        canonical::encode(self)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// [`DomainError::Decode`], [`DomainError::NotCanonical`].
    pub(super) fn from_canonical_bytes(bytes: &[u8]) -> Result<Self, DomainError> {
        canonical::decode("signature", bytes)
    }

    /// Who signed this manifest for this occasion; `Ok(None)` when nobody did.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn check(&self, occasion: &Occasion, manifest: &Digest) -> Result<Option<Address>, String> {
        if self.version != FILE_VERSION
            || self.domain != SIGNATURE_DOMAIN
            || self.chain_id != chain_of(occasion)
        {
            return Err("it is not for this kind of bundle or this chain".into());
        }
        if self.manifest != *manifest {
            return Err("it is over another manifest".into());
        }
        let (signer, text) = match (self.signer, &self.signature) {
            (None, None) => return Ok(None),
            (Some(signer), Some(text)) => (signer, text),
            _ => return Err("it has a signer or a signature, and not both".into()),
        };
        let signature =
            parse(text).ok_or("the signature is not 65 bytes in lower-case hexadecimal digits")?;
        let recovered = recover(&signing_digest(self.chain_id, manifest), &signature);
        match recovered {
            Some(address) if address == signer => Ok(Some(signer)),
            _ => Err(format!("the signature is not one by {signer}")),
        }
    }
}

fn parse(text: &str) -> Option<[u8; 65]> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let bytes: Option<Vec<u8>> =
        digits.chunks(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(*pair.get(1)?)?)).collect();
    bytes?.try_into().ok()
}
