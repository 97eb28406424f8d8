//! A compact index of pseudonyms.
//!
//! Joins need to know, for each of tens of millions of encounters, which organisation it was at. A
//! hash table spends 25 to 40 bytes on that; pseudonyms are uniform already, so sorting them and
//! remembering where each range of leading bits starts costs 9, and a lookup touches two places.

/// About this many pseudonyms share a bucket.
const BUCKET_SIZE: usize = 8;

/// A sorted set of pseudonyms; each has a position.
#[derive(Debug, Default)]
pub(crate) struct PseudonymIndex {
    sorted: Vec<u64>,
    /// Where each bucket starts; one more entry than there are buckets.
    starts: Vec<u32>,
    /// A pseudonym's bucket is its leading bits.
    shift: u32,
}

impl PseudonymIndex {
    /// An index over pseudonyms that are sorted and distinct. At most 2^32 - 1 of them.
    pub(crate) fn new(sorted: Vec<u64>) -> Self {
        debug_assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
        let buckets = (sorted.len() / BUCKET_SIZE).max(1).next_power_of_two();
        let shift = 64 - buckets.trailing_zeros();
        let mut starts = vec![0_u32; buckets + 1];
        for &pseudonym in &sorted {
            starts[Self::bucket(pseudonym, shift) + 1] += 1;
        }
        for bucket in 0..buckets {
            starts[bucket + 1] += starts[bucket];
        }
        Self { sorted, starts, shift }
    }

    fn bucket(pseudonym: u64, shift: u32) -> usize {
        // A shift by all 64 bits (one bucket) is 0.
        usize::try_from(pseudonym.checked_shr(shift).unwrap_or(0)).unwrap_or(0)
    }

    /// Position of a pseudonym among the sorted ones.
    pub(crate) fn position(&self, pseudonym: u64) -> Option<usize> {
        let bucket = Self::bucket(pseudonym, self.shift);
        let start = usize::try_from(*self.starts.get(bucket)?).ok()?;
        let end = usize::try_from(*self.starts.get(bucket + 1)?).ok()?;
        self.sorted[start..end].binary_search(&pseudonym).ok().map(|offset| start + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_found_and_no_stranger() {
        for count in [0_u64, 1, 2, 7, 8, 9, 1000, 20_000] {
            let mut members: Vec<u64> =
                (0..count).map(|index| index.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
            members.sort_unstable();
            let index = PseudonymIndex::new(members.clone());
            for (position, &member) in members.iter().enumerate() {
                assert_eq!(index.position(member), Some(position));
                assert!(
                    index.position(member.wrapping_add(1)).is_none()
                        || members.contains(&member.wrapping_add(1))
                );
            }
            assert_eq!(index.position(u64::MAX - 5), None);
        }
    }
}
