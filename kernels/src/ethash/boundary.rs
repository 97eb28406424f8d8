//! The boundary that a result must not exceed, from a difficulty and back.
//!
//! Source: go-ethereum 1.11.6, `consensus/ethash`: `target = 2^256 / difficulty`, and a seal is
//! valid when `result <= target`. For difficulty 1 the quotient does not fit in 256 bits, and every
//! result is valid.

use crate::keccak::Digest256;
use std::fmt;

/// `floor(2^256 / difficulty)`, at most `2^256 - 1`, as 32 big-endian bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Boundary(Digest256);

impl Boundary {
    /// The boundary that every result meets: that of difficulty 1.
    pub const MAX: Self = Self([0xff; 32]);

    /// The boundary of `difficulty`, 32 big-endian bytes; `None` for difficulty 0, which has none.
    pub fn from_difficulty(difficulty: &Digest256) -> Option<Self> {
        let divisor = limbs(difficulty);
        if divisor == [0; 4] {
            return None;
        }
        if divisor == [1, 0, 0, 0] {
            return Some(Self::MAX);
        }
        // Schoolbook division of 2^256, bit by bit: 257 steps of shift, compare and subtract.
        let mut quotient = [0_u64; 4];
        let mut remainder = [0_u64; 4];
        for bit in (0..=256_usize).rev() {
            let carry = shift_left_one(&mut remainder, bit == 256);
            if carry || !is_less(&remainder, &divisor) {
                subtract(&mut remainder, &divisor);
                if bit < 256 {
                    quotient[bit / 64] |= 1 << (bit % 64);
                }
            }
        }
        Some(Self(bytes(&quotient)))
    }

    /// The boundary of a difficulty that fits in 128 bits; `None` for 0.
    pub fn from_difficulty_u128(difficulty: u128) -> Option<Self> {
        let mut bytes = [0; 32];
        bytes[16..].copy_from_slice(&difficulty.to_be_bytes());
        Self::from_difficulty(&bytes)
    }

    /// A boundary as `eth_getWork` gives it: 32 big-endian bytes.
    pub const fn from_be_bytes(bytes: Digest256) -> Self {
        Self(bytes)
    }

    /// The 32 big-endian bytes.
    pub const fn as_bytes(&self) -> &Digest256 {
        &self.0
    }

    /// Whether `result` is at or below the boundary.
    pub fn is_met_by(&self, result: &Digest256) -> bool {
        result <= &self.0
    }

    /// The 64 most significant bits: a result that meets the boundary has no larger ones.
    pub fn leading_word(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Debug for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Boundary({})", crate::hex::prefixed(&self.0))
    }
}

/// Four little-endian limbs.
fn limbs(bytes: &Digest256) -> [u64; 4] {
    let words = bytes.as_chunks::<8>().0;
    [3, 2, 1, 0].map(|at: usize| u64::from_be_bytes(words[at]))
}

fn bytes(limbs: &[u64; 4]) -> Digest256 {
    let mut bytes = [0; 32];
    for (word, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(limbs.iter().rev()) {
        *word = limb.to_be_bytes();
    }
    bytes
}

/// Shifts left by one bit, `low` comes in, and what falls out is returned.
fn shift_left_one(limbs: &mut [u64; 4], low: bool) -> bool {
    limbs.iter_mut().fold(low, |carry, limb| {
        let out = *limb >> 63 == 1;
        *limb = *limb << 1 | u64::from(carry);
        out
    })
}

fn is_less(a: &[u64; 4], b: &[u64; 4]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

fn subtract(a: &mut [u64; 4], b: &[u64; 4]) {
    let mut borrow = false;
    for (a, b) in a.iter_mut().zip(b) {
        let (difference, first) = a.overflowing_sub(*b);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        (*a, borrow) = (difference, first || second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boundary(difficulty: u128) -> Boundary {
        Boundary::from_difficulty_u128(difficulty).unwrap()
    }

    #[test]
    fn difficulty_zero_has_no_boundary_and_one_accepts_everything() {
        assert_eq!(Boundary::from_difficulty(&[0; 32]), None);
        assert_eq!(boundary(1), Boundary::MAX);
        assert!(boundary(1).is_met_by(&[0xff; 32]));
    }

    #[test]
    fn powers_of_two_divide_exactly() {
        for shift in 1..128 {
            let mut expected = [0; 32];
            let at = 256 - shift;
            expected[31 - at / 8] = 1 << (at % 8);
            assert_eq!(*boundary(1 << shift).as_bytes(), expected, "2^{shift}");
        }
    }

    #[test]
    fn the_largest_difficulties_leave_one() {
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(*Boundary::from_difficulty(&[0xff; 32]).unwrap().as_bytes(), one);
        let mut half = [0; 32];
        half[0] = 0x80;
        assert_eq!(Boundary::from_difficulty(&half).unwrap().as_bytes()[31], 2);
    }

    #[test]
    fn the_minimum_difficulty_of_ethash_gives_the_target_of_go_ethereum() {
        // 2^256 / 131072 = 2^239.
        let mut expected = [0; 32];
        expected[2] = 0x80;
        assert_eq!(*boundary(131_072).as_bytes(), expected);
    }

    #[test]
    fn the_boundary_itself_is_met_and_one_more_is_not() {
        let boundary = boundary(0xdead_beef_1234);
        assert!(boundary.is_met_by(boundary.as_bytes()));
        let mut above = *boundary.as_bytes();
        above[31] += 1;
        assert!(!boundary.is_met_by(&above));
        assert!(boundary.is_met_by(&[0; 32]));
    }

    proptest! {
        #[test]
        fn quotient_times_divisor_is_the_largest_multiple_below_2_to_the_256(difficulty in 2_u64..) {
            // q * d <= 2^256 < (q + 1) * d, on limbs.
            let quotient = limbs(boundary(u128::from(difficulty)).as_bytes());
            let mut carry = 0_u128;
            let product = quotient.map(|limb| {
                let term = u128::from(limb) * u128::from(difficulty) + carry;
                carry = term >> 64;
                term & u128::from(u64::MAX)
            });
            // The rest, 2^256 - q * d, must be in 0..d: so q * d is at least 2^256 - d + 1.
            let rest_is_small = if carry == 1 {
                product == [0; 4]
            } else {
                carry == 0 && product[1..] == [u128::from(u64::MAX); 3] && {
                    let rest = (1_u128 << 64) - product[0];
                    rest < u128::from(difficulty)
                }
            };
            prop_assert!(rest_is_small, "{quotient:x?} {product:x?} {carry}");
        }
    }
}
