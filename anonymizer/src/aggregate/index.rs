//! From a person's pseudonym to her number.
//!
//! Ten million rows look their person up, so this is the hottest table of a release: one array of
//! slots, open addressing, linear probing, half empty. Lookups of a batch do not depend on each
//! other, so the processor overlaps their cache misses; a general map spends its time in calls.

/// What absent pseudonyms give.
pub(super) const ABSENT: u32 = u32::MAX;

/// Pseudonym to number.
pub(super) struct Index {
    keys: Vec<u64>,
    numbers: Vec<u32>,
    shift: u32,
}

impl Index {
    /// Numbers pseudonyms in the order given; of equal ones the first counts. Returns the index and the
    /// positions of those that count.
    pub(super) fn new(ids: &[u64]) -> (Self, Vec<usize>) {
        let slots = (ids.len() * 2).next_power_of_two().max(2);
        let mut index =
            Self { keys: vec![0; slots], numbers: vec![ABSENT; slots], shift: 64 - slots.trailing_zeros() };
        let mut first = Vec::with_capacity(ids.len());
        for (position, &id) in ids.iter().enumerate() {
            let slot = index.slot(id);
            if index.numbers[slot] == ABSENT {
                index.keys[slot] = id;
                index.numbers[slot] = u32::try_from(first.len()).unwrap_or(ABSENT);
                first.push(position);
            }
        }
        (index, first)
    }

    /// The slot that holds `id`, or the empty one where it would stand.
    fn slot(&self, id: u64) -> usize {
        let mask = self.keys.len() - 1;
        let hashed = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift;
        let mut slot = usize::try_from(hashed).unwrap_or_default();
        while self.numbers[slot] != ABSENT && self.keys[slot] != id {
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// Number of a pseudonym, or [`ABSENT`].
    pub(super) fn number(&self, id: u64) -> u32 {
        self.numbers[self.slot(id)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_found_and_others_are_absent() {
        for count in [0_u64, 1, 2, 3, 1000] {
            let ids: Vec<u64> = (0..count).map(|index| index.wrapping_mul(0xdead_beef_1234_5677)).collect();
            let (index, first) = Index::new(&ids);
            assert_eq!(first.len(), ids.len());
            for (number, &id) in ids.iter().enumerate() {
                assert_eq!(index.number(id) as usize, number);
            }
            assert_eq!(index.number(u64::MAX), ABSENT);
        }
        let (index, first) = Index::new(&[5, 0, 5, 7]);
        assert_eq!((first, index.number(7)), (vec![0, 1, 3], 2));
    }
}
