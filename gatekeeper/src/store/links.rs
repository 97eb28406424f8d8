//! Which record of the provider's database belongs to which account.
//!
//! # Privacy
//! The link is the secret: with it an account on a public chain is a person.

use medrec_domain::Digest;
use medrec_domain::identifier::Address;
use medrec_protocol::Hexadecimal;
use serde::{Deserialize, Serialize};

use super::{Change, Fault, Pair, Shelf, Store};
use crate::error::GatekeeperError;

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// The patient's id in the provider's database.
    pub(crate) source_id: String,
    /// The second at which it was made.
    pub(crate) time_s: u64,
}

/// What opens a pointer to a patient's record, see [`crate::provider`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointerRow {
    /// Whose record.
    pub(crate) patient: Address,
    /// The posting that it is part of.
    pub(crate) root: Digest,
    /// The commitment's key.
    pub(crate) key: Hexadecimal<32>,
}

impl Store {
    /// Whether an account is linked or invited: no stranger, whatever the chain says of it.
    pub(crate) fn is_expected(&self, account: Address) -> Result<bool, GatekeeperError> {
        self.look(|look| {
            let link: Option<Link> = look.get(Shelf::Links, &account.0)?;
            Ok(link.is_some() || look.get::<u64>(Shelf::Invitations, &account.0)?.is_some())
        })
    }

    /// The record of an account.
    pub(crate) fn link_of(&self, account: Address) -> Result<Option<Link>, GatekeeperError> {
        self.get(Shelf::Links, &account.0)
    }

    /// Links an account and a record. `false` when either is linked to another one; the same link again is no change.
    pub(crate) fn link(&self, account: Address, link: &Link) -> Result<bool, GatekeeperError> {
        self.change(|change| {
            let record: Option<Link> = change.get(Shelf::Links, &account.0)?;
            let holder: Option<Address> = change.get(Shelf::Persons, link.source_id.as_bytes())?;
            match (record, holder) {
                (None, None) => {
                    change.put(Shelf::Links, &account.0, link)?;
                    change.put(Shelf::Persons, link.source_id.as_bytes(), &account)?;
                    Ok(true)
                }
                (Some(record), Some(holder)) => Ok(record.source_id == link.source_id && holder == account),
                _ => Ok(false),
            }
        })
    }

    /// Takes a link back, and tells whether there was one. What opens her pointers is destroyed, and the ledger is to forget her.
    pub(crate) fn unlink(&self, account: Address) -> Result<bool, GatekeeperError> {
        self.change(|change: &Change| -> Result<bool, Fault> {
            let pointers = change.scan::<PointerRow>(Shelf::Pointers, &account.0, None, usize::MAX)?;
            for (key, _) in pointers {
                change.remove(Shelf::Pointers, &key)?;
            }
            let Some(link) = change.get::<Link>(Shelf::Links, &account.0)? else { return Ok(false) };
            change.put(Shelf::ToForget, link.source_id.as_bytes(), &account)?;
            change.remove(Shelf::Persons, link.source_id.as_bytes())?;
            change.remove(Shelf::Links, &account.0)
        })
    }

    /// A record that the ledger is still to forget.
    pub(crate) fn to_forget(&self) -> Result<Option<String>, GatekeeperError> {
        self.look(|look| {
            let next: Vec<Pair<Address>> = look.scan(Shelf::ToForget, &[], None, 1)?;
            Ok(next.into_iter().next().map(|(key, _)| String::from_utf8(key)).transpose()?)
        })
    }

    /// Notes that the ledger has forgotten a record.
    pub(crate) fn forgotten(&self, source_id: &str) -> Result<(), GatekeeperError> {
        self.change(|change| change.remove(Shelf::ToForget, source_id.as_bytes()).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_one_account_and_an_account_one_record() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.redb")).unwrap();
        let (one, other) = (Address([1; 20]), Address([2; 20]));
        let link = |source_id: &str| Link { source_id: source_id.to_owned(), time_s: 7 };
        assert!(store.link(one, &link("a")).unwrap());
        assert!(store.link(one, &link("a")).unwrap(), "the same again");
        assert!(!store.link(one, &link("b")).unwrap(), "another record");
        assert!(!store.link(other, &link("a")).unwrap(), "another account");
        assert_eq!(store.to_forget().unwrap(), None);
        assert!(store.unlink(one).unwrap());
        assert!(!store.unlink(one).unwrap());
        assert_eq!(store.to_forget().unwrap().as_deref(), Some("a"), "until it is done");
        store.forgotten("a").unwrap();
        assert_eq!(store.to_forget().unwrap(), None);
        assert_eq!(store.link_of(one).unwrap(), None);
        assert!(store.link(other, &link("a")).unwrap());
        assert_eq!(store.link_of(other).unwrap(), Some(link("a")));
    }
}
