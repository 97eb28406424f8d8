//! One state in general registers: every processor, and the fallback of all others.
//!
//! With BMI1 and BMI2 on x86-64 the same code gets `andn` for chi and three-operand rotations.

use super::lanes::Lanes;

impl Lanes for u64 {
    const COUNT: usize = 1;
    const HAS_TERNARY: bool = false;

    #[inline(always)]
    unsafe fn splat(value: u64) -> Self {
        value
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        self ^ other
    }

    #[inline(always)]
    unsafe fn rotate_left<const LEFT: i32, const RIGHT: i32>(self) -> Self {
        self.rotate_left(LEFT.unsigned_abs())
    }

    #[inline(always)]
    unsafe fn chi(self, b: Self, c: Self) -> Self {
        self ^ (!b & c)
    }

    #[inline(always)]
    unsafe fn load_rows(base: *const u8, _stride: usize, _last_row: usize, words: usize) -> [Self; 8] {
        let mut lanes = [0; 8];
        for (word, lane) in lanes.iter_mut().enumerate().take(words) {
            // SAFETY: the caller promises `words` readable words.
            *lane = u64::from_le_bytes(unsafe { base.add(8 * word).cast::<[u8; 8]>().read() });
        }
        lanes
    }

    #[inline(always)]
    unsafe fn store_rows(lanes: &[Self; 8], base: *mut u8, _stride: usize, _last_row: usize, words: usize) {
        for (word, lane) in lanes.iter().enumerate().take(words) {
            // SAFETY: the caller promises `words` writable words.
            unsafe { base.add(8 * word).cast::<[u8; 8]>().write(lane.to_le_bytes()) }
        }
    }
}
