//! The envelope of a request: who asks whom for what, until when, and the signature over all of it.
//!
//! The EIP-712 message is `Request(string method,bytes32 body,address audience,address signer,bytes32 nonce,uint64
//! issued,uint64 expiry)` in the domain `MedRec Gatekeeper`, version 1, of the chain. `body` is the Keccak-256 of the
//! canonical JSON of the arguments, `audience` the provider's account. MedRec's own second version signed none
//! of method, arguments and audience, and nothing expired: a signature once seen was good for everything, for ever.
//!
//! What is not here: the memory of used nonces, and the clock; both belong to the server.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{B256, Signature, hex};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain};
use medrec_domain::canonical;
use medrec_domain::identifier::Address;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bridge::{from_chain, to_chain, to_word};
use crate::error::ProtocolError;
use crate::methods::Method;

/// Longest time for which a request may be good, in seconds.
pub const LONGEST_VALIDITY_S: u64 = 300;

alloy_sol_types::sol! {
    /// What a key signs when it asks a gatekeeper for something.
    struct Request { string method; bytes32 body; address audience; address signer; bytes32 nonce; uint64 issued; uint64 expiry; }
}

/// `N` bytes, written as `0x` and lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hexadecimal<const N: usize>(pub [u8; N]);

impl<const N: usize> fmt::Display for Hexadecimal<N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode_prefixed(self.0))
    }
}

impl<const N: usize> FromStr for Hexadecimal<N> {
    type Err = ProtocolError;

    fn from_str(text: &str) -> Result<Self, ProtocolError> {
        let refuse = || ProtocolError::Hexadecimal { text: text.chars().take(140).collect(), bytes: N };
        let digits = text.strip_prefix("0x").ok_or_else(refuse)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| refuse())?;
        Ok(Self(bytes))
    }
}

impl<const N: usize> Serialize for Hexadecimal<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hexadecimal<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What is around the arguments of a request: everything that is signed beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// The chain on which both stand.
    pub chain_id: u64,
    /// The provider whose gatekeeper is asked: its account.
    pub audience: Address,
    /// The key that asks.
    pub signer: Address,
    /// 32 random bytes, used once.
    pub nonce: Hexadecimal<32>,
    /// The second at which it was made, by the gatekeeper's clock.
    pub issued_s: u64,
    /// First second at which it is no longer good; at most [`LONGEST_VALIDITY_S`] after `issued_s`.
    pub expiry_s: u64,
}

/// A signed request, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed<B> {
    /// The arguments.
    pub body: B,
    /// The key that asks.
    pub signer: Address,
    /// 32 random bytes, used once.
    pub nonce: Hexadecimal<32>,
    /// The second at which it was made.
    pub issued_s: u64,
    /// First second at which it is no longer good.
    pub expiry_s: u64,
    /// r, s, v over the EIP-712 digest.
    pub signature: Hexadecimal<65>,
}

fn domain(chain_id: u64) -> Eip712Domain {
    eip712_domain! { name: "MedRec Gatekeeper", version: "1", chain_id: chain_id, }
}

/// What the key signs.
///
/// # Errors
/// [`ProtocolError::Body`] when the arguments have no canonical form.
pub fn request_digest<M: Method>(body: &M::Body, asking: &Asking) -> Result<B256, ProtocolError> {
    let refuse = |source| ProtocolError::Body { method: M::NAME, source };
    let request = Request {
        method: M::NAME.to_owned(),
        body: to_word(canonical::digest(body).map_err(refuse)?),
        audience: to_chain(asking.audience),
        signer: to_chain(asking.signer),
        nonce: B256::new(asking.nonce.0),
        issued: asking.issued_s,
        expiry: asking.expiry_s,
    };
    Ok(request.eip712_signing_hash(&domain(asking.chain_id)))
}

impl<B> Signed<B> {
    /// Puts arguments, envelope and signature together.
    pub const fn new(body: B, asking: &Asking, signature: [u8; 65]) -> Self {
        Self {
            body,
            signer: asking.signer,
            nonce: asking.nonce,
            issued_s: asking.issued_s,
            expiry_s: asking.expiry_s,
            signature: Hexadecimal(signature),
        }
    }

    /// Checks time and signature for this gatekeeper and returns who asks. Whether the nonce was used before, the server
    /// knows.
    ///
    /// # Errors
    /// [`ProtocolError::Time`] when it is not good now (made in the future, expired, good for too long),
    /// [`ProtocolError::Signature`], [`ProtocolError::Body`].
    pub fn check<M: Method<Body = B>>(
        &self,
        chain_id: u64,
        audience: Address,
        now_s: u64,
    ) -> Result<Address, ProtocolError> {
        let (issued_s, expiry_s) = (self.issued_s, self.expiry_s);
        let is_short = expiry_s.checked_sub(issued_s).is_some_and(|seconds| seconds <= LONGEST_VALIDITY_S);
        if !is_short || !(issued_s..expiry_s).contains(&now_s) {
            return Err(ProtocolError::Time { issued_s, expiry_s, now_s });
        }
        let asking =
            Asking { chain_id, audience, signer: self.signer, nonce: self.nonce, issued_s, expiry_s };
        let digest = request_digest::<M>(&self.body, &asking)?;
        // One signing, one byte string: v is 27 or 28 and s the lower of the two.
        let is_plain = matches!(self.signature.0[64], 27 | 28);
        let signature = Signature::from_raw_array(&self.signature.0).ok().filter(|_| is_plain);
        let signature = signature.filter(|signature| signature.normalize_s().is_none());
        let recovered = signature.and_then(|signature| signature.recover_address_from_prehash(&digest).ok());
        if recovered.map(from_chain) == Some(self.signer) {
            Ok(self.signer)
        } else {
            Err(ProtocolError::Signature { signer: self.signer })
        }
    }
}
