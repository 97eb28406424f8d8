//! Keys that were found to speak for an account a while ago: they do not stand in line with strangers.
//!
//! It decides about waiting and about nothing else: who may do what is asked of the chain each time. Two halves take turns, so that
//! what was not seen for longest is forgotten first.

use std::collections::HashSet;

use medrec_domain::identifier::Address;
use parking_lot::Mutex;

/// Keys of each half: about 2 MB together.
const HALF: usize = 1 << 15;

/// The keys.
#[derive(Debug, Default)]
pub(super) struct Acquaintances {
    halves: Mutex<Halves>,
}

#[derive(Debug, Default)]
struct Halves {
    young: HashSet<Address>,
    old: HashSet<Address>,
}

impl Acquaintances {
    /// Whether the key was met.
    pub(super) fn knows(&self, key: Address) -> bool {
        let mut halves = self.halves.lock();
        let is_old = halves.old.contains(&key);
        if is_old {
            halves.meet(key);
        }
        is_old || halves.young.contains(&key)
    }

    /// The chain names the key, or no longer does.
    pub(super) fn learn(&self, key: Address, speaks: bool) {
        let mut halves = self.halves.lock();
        if speaks {
            halves.meet(key);
        } else {
            halves.young.remove(&key);
            halves.old.remove(&key);
        }
    }
}

impl Halves {
    fn meet(&mut self, key: Address) {
        if self.young.len() >= HALF && !self.young.contains(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Address {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Address(bytes)
    }

    #[test]
    fn keys_are_known_until_they_speak_no_more_and_the_memory_is_bounded() {
        let known = Acquaintances::default();
        assert!(!known.knows(key(1)));
        known.learn(key(1), true);
        assert!(known.knows(key(1)));
        known.learn(key(1), false);
        assert!(!known.knows(key(1)));
        for number in 0..5 * HALF {
            known.learn(key(number), true);
            assert!(known.knows(key(0)), "who comes often stays, after {number}");
        }
        let halves = known.halves.lock();
        assert!(halves.young.len() <= HALF && halves.old.len() <= HALF);
        assert!(!halves.old.contains(&key(1)) && !halves.young.contains(&key(1)));
    }
}
