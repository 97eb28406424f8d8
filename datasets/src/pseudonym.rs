//! Keyed pseudonyms: what stands in the tables instead of a source's ids.
//!
//! A source's patient id is often a medical record number, which is a direct identifier; so it never
//! enters the tables. In its place stands SipHash-2-4 with a secret 128-bit key, a pseudorandom
//! function made for short inputs. The same key gives the same pseudonym in every file and every
//! run, which is what joins and consent need; without the key nothing can be linked or guessed.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

/// A secret 128-bit key.
#[derive(Clone)]
pub struct PseudonymKey([u8; 16]);

/// It is a secret: it does not show itself.
impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PseudonymKey(…)")
    }
}

/// What a pseudonym stands for. The same id of two kinds has two unrelated pseudonyms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Person,
    Encounter,
    /// Not an id: which synthetic site a person belongs to.
    Site,
}

impl PseudonymKey {
    /// A key from 16 random bytes. Take them from the operating system and keep them secret.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Pseudonym of a patient's id as the source writes it. The gatekeeper uses this to find the rows
    /// of a patient whose source id it knows.
    ///
    /// # Privacy
    /// 64 bits: among 10 million persons a collision has a chance of about 3 in a million, and the
    /// readers refuse a source in which one happens.
    pub fn person(&self, source_id: &str) -> medrec_domain::identifier::PersonId {
        medrec_domain::identifier::PersonId(self.of(Kind::Person, source_id.as_bytes()))
    }

    /// 64-bit pseudonym of an id.
    pub(crate) fn of(&self, kind: Kind, id: &[u8]) -> u64 {
        let (domain, hasher) = (kind as u8, SipHasher24::new_with_key(&self.0));
        let mut hasher = hasher;
        hasher.write(&[domain]);
        hasher.write(id);
        hasher.finish128().h1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_depend_on_key_kind_and_id_and_on_nothing_else() {
        let (one, other) = (PseudonymKey::new([1; 16]), PseudonymKey::new([2; 16]));
        assert_eq!(one.of(Kind::Person, b"a"), one.clone().of(Kind::Person, b"a"));
        assert_ne!(one.of(Kind::Person, b"a"), other.of(Kind::Person, b"a"));
        assert_ne!(one.of(Kind::Person, b"a"), one.of(Kind::Encounter, b"a"));
        assert_ne!(one.of(Kind::Person, b"a"), one.of(Kind::Person, b"b"));
        assert_eq!(format!("{one:?}"), "PseudonymKey(…)");
    }
}
