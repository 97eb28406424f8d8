//! The keystore file: what is readable of it, what is sealed, and how each kind of damage shows.
//!
//! ```text
//! key      = scrypt(password, salt, 2^log_n, r, p), 32 bytes
//! sealed   = XChaCha20-Poly1305(key, nonce, content, bound to format, version, scrypt)
//! checksum = keccak256 of the canonical JSON of everything before it
//! ```
//! The checksum says nothing about the password; it tells a damaged file from a wrong password.

use std::path::Path;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use medrec_domain::{Digest, canonical};
use medrec_protocol::Hexadecimal;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::WalletError;
use crate::password::Password;

const FORMAT: &str = "medrec-keystore";
const VERSION: u32 = 1;
/// Accepted exponents of scrypt's cost: less is no protection, more is a file that wants to exhaust the memory.
const COSTS: std::ops::RangeInclusive<u8> = 10..=20;
/// Largest file that is read, in bytes.
pub(super) const MOST_BYTES: u64 = 16 << 20;

/// How hard it is to try passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// Exponent of scrypt's N: each step doubles time and memory (17 is 128 MiB).
    pub log_n: u8,
    /// Block size.
    pub r: u32,
    /// Parallelism.
    pub p: u32,
}

impl Default for Stretch {
    /// What OWASP asks for: N = 2^17, r = 8, p = 1.
    fn default() -> Self {
        Self { log_n: 17, r: 8, p: 1 }
    }
}

/// What is bound to the sealed part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
    scrypt: Stretch,
    salt: Hexadecimal<32>,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedFile {
    header: Header,
    nonce: Hexadecimal<24>,
    sealed: String,
    checksum: Digest,
}

/// The stretched password: seals contents of one file again and again, each time under a fresh nonce.
pub(super) struct Seal {
    cipher: XChaCha20Poly1305,
    header: Header,
}

const DAMAGED: &str = "restore the file from a copy, or make a new one from the recovery words (`restore`)";

fn damaged(path: &Path, problem: impl Into<String>) -> WalletError {
    WalletError::Keystore { path: path.to_path_buf(), problem: problem.into(), hint: DAMAGED }
}

fn random<const N: usize>() -> Result<Hexadecimal<N>, WalletError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| WalletError::NoRandomness)?;
    Ok(Hexadecimal(bytes))
}

impl Seal {
    /// A seal for a new file.
    pub(super) fn new(path: &Path, password: &Password, stretch: Stretch) -> Result<Self, WalletError> {
        if !COSTS.contains(&stretch.log_n) {
            return Err(damaged(
                path,
                format!("scrypt cost 2^{} is not within 2^10 and 2^20", stretch.log_n),
            ));
        }
        let header = Header { format: FORMAT.to_owned(), version: VERSION, scrypt: stretch, salt: random()? };
        Self::of(path, password, header)
    }

    fn of(path: &Path, password: &Password, header: Header) -> Result<Self, WalletError> {
        let Stretch { log_n, r, p } = header.scrypt;
        let parameters = scrypt::Params::new(log_n, r, p, 32);
        let parameters = parameters.map_err(|_| damaged(path, "its scrypt parameters make no sense"))?;
        let mut key = Zeroizing::new([0; 32]);
        scrypt::scrypt(password.bytes(), &header.salt.0, &parameters, key.as_mut_slice())
            .map_err(|_| damaged(path, "its scrypt parameters make no sense"))?;
        Ok(Self { cipher: XChaCha20Poly1305::new((&*key).into()), header })
    }

    /// The bytes of a file with this content.
    pub(super) fn seal(&self, path: &Path, content: &[u8]) -> Result<(Vec<u8>, Digest), WalletError> {
        let nonce = random::<24>()?;
        let bound = canonical::encode(&self.header)?;
        let payload = Payload { msg: content, aad: &bound };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce.0), payload);
        let sealed = sealed.map_err(|_| damaged(path, "its content is too large"))?;
        let sealed = alloy_primitives::hex::encode_prefixed(sealed);
        let mut file = SealedFile { header: self.header.clone(), nonce, sealed, checksum: Digest::default() };
        file.checksum = checksum(&file)?;
        let mut bytes = canonical::encode(&file)?;
        bytes.push(b'\n');
        Ok((bytes, file.checksum))
    }
}

fn checksum(file: &SealedFile) -> Result<Digest, WalletError> {
    Ok(canonical::digest(&(&file.header, file.nonce, &file.sealed))?)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<SealedFile, WalletError> {
    let file: SealedFile = serde_json::from_slice(bytes).map_err(|error| {
        damaged(path, format!("it is no keystore, or a damaged one ({:?})", error.classify()))
    })?;
    if file.header.format != FORMAT || file.header.version != VERSION {
        return Err(damaged(path, "it is of a kind or version that this software does not read"));
    }
    if checksum(&file)? != file.checksum {
        return Err(damaged(path, "it is damaged: its checksum does not fit"));
    }
    let Stretch { log_n, r, p } = file.header.scrypt;
    if !COSTS.contains(&log_n) || r > 32 || p > 16 {
        return Err(damaged(path, "its scrypt parameters are not ones that this software takes"));
    }
    Ok(file)
}

/// The checksum of a file's bytes, by which a change from outside is noticed.
pub(super) fn checksum_of(path: &Path, bytes: &[u8]) -> Result<Digest, WalletError> {
    parse(path, bytes).map(|file| file.checksum)
}

/// The content of a file's bytes, its seal for later, and its checksum.
///
/// # Errors
/// [`WalletError::Keystore`]: damaged, or a wrong password, each in its own words.
pub(super) fn open(
    path: &Path,
    bytes: &[u8],
    password: &Password,
) -> Result<(Zeroizing<Vec<u8>>, Seal, Digest), WalletError> {
    let file = parse(path, bytes)?;
    let sealed = alloy_primitives::hex::decode(&file.sealed);
    let sealed = sealed.map_err(|_| damaged(path, "it is damaged: its sealed part is no text of ours"))?;
    let bound = canonical::encode(&file.header)?;
    let seal = Seal::of(path, password, file.header)?;
    let payload = Payload { msg: &sealed, aad: &bound };
    let content = seal.cipher.decrypt(&XNonce::from(file.nonce.0), payload);
    let content = content.map_err(|_| WalletError::Keystore {
        path: path.to_path_buf(),
        problem: "the password is wrong".to_owned(),
        hint: "the file itself is whole; the recovery words restore the keys without a password",
    })?;
    Ok((Zeroizing::new(content), seal, file.checksum))
}
