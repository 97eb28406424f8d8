//! What the rows say, as bytes.
//!
//! JSON inside the seal: rows are small, their form is checked on reading, and a later version can tell what it
//! reads. Only noise, which is large, has a form of its own. Nothing here touches a file.

use std::collections::{BTreeMap, BTreeSet};

use medrec_domain::identifier::PersonId;
use medrec_domain::{Digest, Rho};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fault::LedgerFault;

/// What concerns everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Totals {
    /// Most that anybody may ever lose.
    pub(super) cap: Rho,
    /// What releases that charge everybody have cost.
    pub(super) everybody: Rho,
    /// Sum of the prices of releases that charge each person for what she is in.
    pub(super) individual: Rho,
    /// Releases so far.
    pub(super) releases: u64,
}

/// What concerns one person. No row means the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonRow {
    /// Her own cap, if she set one.
    pub(super) cap: Option<Rho>,
    /// What she was charged on her own.
    pub(super) individual: Rho,
    /// Charges to everybody that she was left out of.
    pub(super) exempt: Rho,
    /// Her id, so that a row says whose it is.
    pub(super) person: u64,
}

impl PersonRow {
    /// Of a person without a row.
    pub(super) fn new(person: PersonId) -> Self {
        Self { cap: None, individual: Rho::zero(), exempt: Rho::zero(), person: person.0 }
    }

    /// Most that she may ever lose.
    pub(super) fn cap(&self, totals: &Totals) -> Rho {
        self.cap.as_ref().unwrap_or(&totals.cap).min(&totals.cap).clone()
    }

    /// What she has lost. More is never forgiven than was charged.
    pub(super) fn spent(&self, totals: &Totals) -> Rho {
        &totals.everybody.checked_sub(&self.exempt).unwrap_or_else(Rho::zero) + &self.individual
    }
}

/// Where a release stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Progress {
    Reserved,
    Drawn,
    Committed { answer: Digest, metadata: Vec<u8> },
}

/// Who was charged by a release that is not committed yet: what a second attempt is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Charged {
    Everybody { except: BTreeSet<u64> },
    Each { losses: BTreeMap<u64, Rho> },
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseRow {
    pub(super) id: Digest,
    pub(super) plan: Digest,
    /// Position in time order, from 0.
    pub(super) sequence: u64,
    pub(super) price: Rho,
    pub(super) charges_everybody: bool,
    /// `None` once it is committed.
    pub(super) charged: Option<Charged>,
    pub(super) progress: Progress,
}

/// The bytes of a row.
pub(super) fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, LedgerFault> {
    serde_json::to_vec(row).map_err(|_| LedgerFault::conflict("a row has no form"))
}

/// The row of bytes.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, LedgerFault> {
    // The parser's words could quote the row.
    serde_json::from_slice(bytes).map_err(|_| LedgerFault::damaged("a row has an unknown form"))
}

/// The bytes of noise: number of vectors, then of each its length and integers, little-endian.
pub(super) fn encode_noise(noise: &[Vec<i64>]) -> Vec<u8> {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes();
    let mut bytes = count(noise.len()).to_vec();
    for vector in noise {
        bytes.extend(count(vector.len()));
        bytes.extend(vector.iter().flat_map(|integer| integer.to_le_bytes()));
    }
    bytes
}

/// The noise of bytes.
pub(super) fn decode_noise(mut bytes: &[u8]) -> Option<Vec<Vec<i64>>> {
    let mut next = || -> Option<[u8; 8]> {
        let (first, rest) = bytes.split_first_chunk()?;
        bytes = rest;
        Some(*first)
    };
    let vectors = u64::from_le_bytes(next()?);
    let noise = (0..vectors)
        .map(|_| {
            let length = u64::from_le_bytes(next()?);
            (0..length).map(|_| next().map(i64::from_le_bytes)).collect()
        })
        .collect::<Option<_>>()?;
    next().is_none().then_some(noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_comes_back_from_its_bytes_and_from_no_others() {
        let noise = vec![vec![], vec![0, -1, i64::MAX], vec![i64::MIN]];
        let bytes = encode_noise(&noise);
        assert_eq!(decode_noise(&bytes), Some(noise));
        assert_eq!(decode_noise(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode_noise(&[bytes.as_slice(), &[0; 8]].concat()), None);
        assert_eq!(decode_noise(&[255; 16]), None);
    }

    #[test]
    fn rows_come_back_from_their_bytes() {
        let row = ReleaseRow {
            id: Digest([1; 32]),
            plan: Digest([2; 32]),
            sequence: 3,
            price: "1/3".parse().unwrap(),
            charges_everybody: false,
            charged: Some(Charged::Each { losses: BTreeMap::from([(u64::MAX, "1/7".parse().unwrap())]) }),
            progress: Progress::Committed { answer: Digest([4; 32]), metadata: vec![0, 255] },
        };
        assert_eq!(decode::<ReleaseRow>(&encode(&row).unwrap()).unwrap(), row);
        let error = decode::<ReleaseRow>(b"{\"id\":77}").unwrap_err().to_string();
        assert!(!error.contains("77"), "{error}");
    }
}
