//! Nonces that were used, until the requests that carry them are no longer good.

use std::collections::{BTreeMap, HashSet};

use medrec_domain::identifier::Address;
use medrec_protocol::Hexadecimal;
use parking_lot::Mutex;

/// Who used which.
type Used = (Address, [u8; 32]);

/// What became of a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nonce {
    /// It was never seen.
    Fresh,
    /// It was used.
    Used,
    /// No more can be remembered.
    NoRoom,
}

/// The memory.
#[derive(Debug)]
pub(crate) struct Nonces {
    most: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    used: HashSet<Used>,
    by_expiry: BTreeMap<u64, Vec<Used>>,
}

impl Nonces {
    /// A memory of at most so many.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, seen: Mutex::new(Seen::default()) }
    }

    /// Uses a nonce up, and forgets those whose requests have expired.
    pub(crate) fn use_up(&self, signer: Address, nonce: Hexadecimal<32>, expiry_s: u64, now_s: u64) -> Nonce {
        let mut seen = self.seen.lock();
        // A request is good until before its expiry.
        while let Some(entry) = seen.by_expiry.first_entry() {
            if *entry.key() > now_s {
                break;
            }
            for used in entry.remove() {
                seen.used.remove(&used);
            }
        }
        let used = (signer, nonce.0);
        if seen.used.contains(&used) {
            return Nonce::Used;
        }
        if seen.used.len() >= self.most {
            return Nonce::NoRoom;
        }
        seen.used.insert(used);
        seen.by_expiry.entry(expiry_s).or_default().push(used);
        Nonce::Fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_until_its_request_expires_and_the_memory_is_bounded() {
        let (nonces, signer) = (Nonces::new(2), Address([1; 20]));
        let ask = |byte, expiry_s, now_s| nonces.use_up(signer, Hexadecimal([byte; 32]), expiry_s, now_s);
        assert_eq!(ask(1, 10, 5), Nonce::Fresh);
        assert_eq!(ask(1, 10, 9), Nonce::Used);
        assert_eq!(nonces.use_up(Address([2; 20]), Hexadecimal([1; 32]), 12, 9), Nonce::Fresh);
        assert_eq!(ask(2, 12, 9), Nonce::NoRoom);
        // The first has expired by its own expiry: no signature check lets it come here any more.
        assert_eq!(ask(2, 15, 10), Nonce::Fresh);
        assert_eq!(ask(2, 15, 14), Nonce::Used);
    }
}
