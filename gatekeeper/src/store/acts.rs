//! Which idempotency key stands for which wish, and what came of it.

use medrec_domain::Digest;
use medrec_protocol::methods::provider::Posting;
use serde::{Deserialize, Serialize};

use super::{PointerRow, Shelf, Store};
use crate::error::GatekeeperError;

/// A wish of the provider's, as it is kept: for ever, since a key stands for one wish for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActRow {
    /// Digest of method and body.
    pub(crate) request: Digest,
    /// The second at which it came.
    pub(crate) time_s: u64,
    /// What is posted, where it is a posting: its keys are fresh, so it cannot be made again.
    pub(crate) posting: Option<Posting>,
}

impl Store {
    /// What a key stands for.
    pub(crate) fn act(&self, key: &Digest) -> Result<Option<ActRow>, GatekeeperError> {
        self.get(Shelf::Acts, &key.0)
    }

    /// Notes what a key stands for, with what opens the pointers of a posting, unless it stands for something; gives what stands.
    pub(crate) fn note_act(
        &self,
        key: &Digest,
        row: ActRow,
        pointers: &[(Digest, PointerRow)],
    ) -> Result<ActRow, GatekeeperError> {
        self.change(|change| {
            if let Some(standing) = change.get(Shelf::Acts, &key.0)? {
                return Ok(standing);
            }
            for (commitment, pointer) in pointers {
                let key = [pointer.patient.0.as_slice(), &commitment.0].concat();
                change.put(Shelf::Pointers, &key, pointer)?;
            }
            change.put(Shelf::Acts, &key.0, &row)?;
            Ok(row)
        })
    }
}

#[cfg(test)]
mod tests {
    use medrec_domain::identifier::Address;
    use medrec_protocol::Hexadecimal;

    use super::super::Pair;
    use super::*;

    #[test]
    fn the_first_wish_stands_and_the_pointers_of_a_second_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.redb")).unwrap();
        let row = |byte| ActRow { request: Digest([byte; 32]), time_s: 7, posting: None };
        let pointer = |byte| {
            let row = PointerRow {
                patient: Address([1; 20]),
                root: Digest([byte; 32]),
                key: Hexadecimal([byte; 32]),
            };
            [(Digest([byte; 32]), row)]
        };
        let key = Digest([9; 32]);
        assert_eq!(store.act(&key).unwrap(), None);
        assert_eq!(store.note_act(&key, row(1), &pointer(1)).unwrap(), row(1));
        assert_eq!(store.note_act(&key, row(2), &pointer(2)).unwrap(), row(1));
        assert_eq!(store.act(&key).unwrap(), Some(row(1)));
        let kept: Vec<Pair<PointerRow>> =
            store.look(|look| look.scan(Shelf::Pointers, &[], None, 9)).unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].1.root, Digest([1; 32]));
    }
}
