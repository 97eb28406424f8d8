//! The follower's steps: position, notifications, and which of them a re-organisation may bring again.

use medrec_chain::Position;
use medrec_domain::identifier::Address;
use medrec_domain::{Digest, canonical};
use medrec_protocol::methods::notifications::NotificationEvent;

use super::{Change, Fault, Pair, Shelf, Store};
use crate::error::GatekeeperError;

/// Blocks for which it is remembered what was told; the follower finds its way back over 64.
const REMEMBERED_BLOCKS: u64 = 256;
const POSITION: &[u8] = b"position";

/// What was told because of an event of a block.
fn told_key(block: u64, digest: &Digest) -> Vec<u8> {
    [b"told".as_slice(), &block.to_be_bytes(), &digest.0].concat()
}

/// What was told because of a block that was replaced.
fn displaced_key(digest: &Digest) -> Vec<u8> {
    [b"displaced".as_slice(), &digest.0].concat()
}

/// How often something was told by blocks that were replaced, and until which block it can be the same that comes again:
/// what comes later is news, although it reads the same.
type Displaced = (u64, u64);

impl Store {
    /// How far the follower has come.
    pub(crate) fn position(&self) -> Result<Option<Position>, GatekeeperError> {
        self.get(Shelf::Followed, POSITION)
    }

    /// Takes a step: all of it or nothing. Tells whether there is a new notification.
    pub(crate) fn take_step(
        &self,
        position: &Position,
        rolled_back_to: Option<u64>,
        told: &[(u64, Vec<(Address, NotificationEvent)>)],
        time_s: u64,
    ) -> Result<bool, GatekeeperError> {
        self.change(|change| {
            if let Some(block) = rolled_back_to {
                change.displace(block)?;
            }
            let mut is_news = false;
            for (block, told) in told {
                for (recipient, event) in told {
                    is_news |= change.tell(*block, *recipient, event, time_s)?;
                }
            }
            change.forget_told(position.block.number.saturating_sub(REMEMBERED_BLOCKS))?;
            change.forget_displaced(position.block.number)?;
            change.put(Shelf::Followed, POSITION, position)?;
            Ok(is_news)
        })
    }
}

impl Change {
    /// Notes what a block's event tells a recipient, unless a block that was replaced has told it before.
    fn tell(
        &self,
        block: u64,
        recipient: Address,
        event: &NotificationEvent,
        time_s: u64,
    ) -> Result<bool, Fault> {
        let digest = canonical::digest(&(recipient, event))?;
        let displaced = self.get::<Displaced>(Shelf::Followed, &displaced_key(&digest))?;
        let displaced = displaced.filter(|(times, until)| *times > 0 && block <= *until);
        match displaced {
            Some((times, until)) => self.count(&displaced_key(&digest), (times - 1, until))?,
            None => self.notify(recipient, time_s, event.clone())?,
        }
        let key = told_key(block, &digest);
        let times = self.get::<u64>(Shelf::Followed, &key)?.unwrap_or(0);
        self.put(Shelf::Followed, &key, &(times + 1))?;
        Ok(displaced.is_none())
    }

    /// What blocks above this one told may come again.
    fn displace(&self, block: u64) -> Result<(), Fault> {
        let after = told_key(block, &Digest([0xff; 32]));
        let found: Vec<Pair<u64>> = self.scan(Shelf::Followed, b"told", Some(&after), usize::MAX)?;
        for (key, times) in found {
            let digest = key.get(12..).and_then(|digest| digest.try_into().ok()).map(Digest);
            let digest = digest.ok_or_else(|| Fault("a key of what was told is broken".to_owned()))?;
            let displaced = self.get::<Displaced>(Shelf::Followed, &displaced_key(&digest))?;
            let before = displaced.map_or(0, |(times, _)| times);
            self.count(&displaced_key(&digest), (before + times, block.saturating_add(REMEMBERED_BLOCKS)))?;
            self.remove(Shelf::Followed, &key)?;
        }
        Ok(())
    }

    fn forget_told(&self, below: u64) -> Result<(), Fault> {
        let found: Vec<Pair<u64>> = self.scan(Shelf::Followed, b"told", None, 1_000)?;
        let limit = told_key(below, &Digest([0; 32]));
        for (key, _) in found.into_iter().take_while(|(key, _)| *key < limit) {
            self.remove(Shelf::Followed, &key)?;
        }
        Ok(())
    }

    fn forget_displaced(&self, block: u64) -> Result<(), Fault> {
        let found: Vec<Pair<Displaced>> = self.scan(Shelf::Followed, b"displaced", None, 1_000)?;
        for (key, _) in found.into_iter().filter(|(_, (_, until))| *until < block) {
            self.remove(Shelf::Followed, &key)?;
        }
        Ok(())
    }

    fn count(&self, key: &[u8], count: Displaced) -> Result<(), Fault> {
        if count.0 == 0 {
            self.remove(Shelf::Followed, key)?;
            return Ok(());
        }
        self.put(Shelf::Followed, key, &count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Address = Address([1; 20]);

    fn position(number: u64) -> Position {
        let hash = format!("0x{number:064x}");
        let text = format!(r#"{{"block":{{"number":{number},"hash":"{hash}"}},"log_index":null,"trail":[]}}"#);
        serde_json::from_str(&text).unwrap()
    }

    fn granted(byte: u8) -> NotificationEvent {
        NotificationEvent::Granted { patient: PATIENT, commitment: Digest([byte; 32]) }
    }

    fn advance(store: &Store, block: u64, events: &[u8]) -> bool {
        let told = events.iter().map(|byte| (PATIENT, granted(*byte))).collect();
        store.take_step(&position(block), None, &[(block, told)], 7).unwrap()
    }

    fn told(store: &Store) -> Vec<NotificationEvent> {
        let all = store.notices(PATIENT, 0, 100).unwrap();
        assert!(all.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
        all.into_iter().map(|notification| notification.event).collect()
    }

    #[test]
    fn what_replaced_blocks_told_is_not_told_again_and_what_is_new_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let store = Store::open(&path).unwrap();
        assert_eq!(store.position().unwrap(), None);
        assert!(advance(&store, 5, &[1]));
        // The same event twice in one block is two events.
        assert!(advance(&store, 6, &[2, 2]));
        assert!(!store.take_step(&position(5), Some(5), &[], 8).unwrap());
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.position().unwrap(), Some(position(5)));
        assert!(!advance(&store, 6, &[2]), "it was told by the block that was replaced");
        assert!(advance(&store, 7, &[3]));
        assert!(!advance(&store, 8, &[2]), "so was its second");
        assert!(advance(&store, 9, &[2]), "a third is news");
        assert_eq!(told(&store), [granted(1), granted(2), granted(2), granted(3), granted(2)]);
        assert_eq!(store.position().unwrap(), Some(position(9)));
    }

    #[test]
    fn replaced_twice_is_told_once_and_old_blocks_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.redb")).unwrap();
        advance(&store, 5, &[1]);
        for _ in 0..3 {
            store.take_step(&position(4), Some(4), &[], 8).unwrap();
            assert!(!advance(&store, 5, &[1]));
        }
        assert_eq!(told(&store), [granted(1)]);
        assert!(!advance(&store, 5 + REMEMBERED_BLOCKS + 1, &[]));
        let kept: Vec<Pair<u64>> =
            store.look(|look| look.scan(Shelf::Followed, b"told", None, 100)).unwrap();
        assert!(kept.is_empty(), "{kept:?}");
    }
    #[test]
    fn what_never_came_again_does_not_silence_what_reads_the_same_much_later() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.redb")).unwrap();
        advance(&store, 5, &[1, 2]);
        store.take_step(&position(4), Some(4), &[], 8).unwrap();
        assert!(!advance(&store, 4 + REMEMBERED_BLOCKS, &[1]), "within reach it is the same");
        assert!(advance(&store, 5 + REMEMBERED_BLOCKS, &[2]), "beyond it is another");
        advance(&store, 6 + REMEMBERED_BLOCKS, &[]);
        let kept: Vec<Pair<Displaced>> =
            store.look(|look| look.scan(Shelf::Followed, b"displaced", None, 100)).unwrap();
        assert!(kept.is_empty(), "{kept:?}");
    }
}
