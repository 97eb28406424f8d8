//! What the generic Ethash loops need of an instruction set: a 64-byte row in registers, beside the
//! Keccak lanes of the same set.
//!
//! Each instruction set is a file of one shape. Nothing here knows a cache, a dataset or a nonce.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod scalar;

use super::Row;
use super::parameters::FNV_PRIME;
use crate::keccak::lanes::Lanes;

/// One instruction set, as the generic loops see it.
pub(crate) trait Vectors {
    /// Keccak states side by side.
    type Lanes: Lanes;
    /// A row in registers.
    type Row: MixRow;
}

/// Sixteen 32-bit words in registers.
///
/// # Safety
/// Every method may only be called on a processor that has the implementing type's instructions.
pub(crate) trait MixRow: Copy {
    /// Reads a row.
    ///
    /// # Safety
    /// `row` must be readable and aligned to 64 bytes.
    unsafe fn load(row: *const Row) -> Self;

    /// Writes a row.
    ///
    /// # Safety
    /// `row` must be writable and aligned to 64 bytes.
    unsafe fn store(self, row: *mut Row);

    /// The specification's `fnv` in each word: `(self * prime) ^ other`.
    unsafe fn fnv(self, other: Self) -> Self;

    /// Word `index`, 0 to 15.
    unsafe fn word(self, index: u32) -> u32;

    /// The mix hash of a mix of two rows: each four words fold into one.
    #[inline(always)]
    unsafe fn compress(low: Self, high: Self) -> [u32; 8] {
        let mut mix = [Aligned([0; 16]); 2];
        // SAFETY: the caller's promise is that of the trait; both rows are aligned.
        unsafe {
            low.store(&raw mut mix[0].0);
            high.store(&raw mut mix[1].0);
        }
        let mut words = [0; 8];
        let quads = mix.iter().flat_map(|row| row.0.as_chunks::<4>().0);
        for (word, quad) in words.iter_mut().zip(quads) {
            *word = fnv(fnv(fnv(quad[0], quad[1]), quad[2]), quad[3]);
        }
        words
    }
}

/// A row, or sixteen of its kind, at the alignment of a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// `fnv` on one word; the same as the reference's.
#[inline(always)]
pub(crate) const fn fnv(a: u32, b: u32) -> u32 {
    a.wrapping_mul(FNV_PRIME) ^ b
}

/// Remainders by one divisor without dividing (Lemire, Kaser, Kurz 2019, "Faster remainder by
/// direct computation"): exact for all 32-bit values and divisors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Modulo {
    divisor: u32,
    reciprocal: u64,
}

impl Modulo {
    /// Remainders by `divisor`, which is not zero.
    pub(crate) const fn new(divisor: u32) -> Self {
        assert!(divisor != 0, "a table has at least one row");
        Self { divisor, reciprocal: (u64::MAX / divisor as u64).wrapping_add(1) }
    }

    /// `value % divisor`.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the product is below 2^64 times the divisor")]
    pub(crate) const fn reduce(self, value: u32) -> u32 {
        let fraction = self.reciprocal.wrapping_mul(value as u64);
        let product = fraction as u128 * self.divisor as u128;
        (product >> 64) as u32
    }
}

/// Asks the processor to bring the 64 bytes at `line` close: for rows that will be read again soon.
#[inline(always)]
pub(crate) fn prefetch_line<T>(line: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address has no effect but on the caches; SSE is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; PRFM is part of the base instruction set.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) line, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = line;
}

/// Asks the processor to bring a page of 128 bytes close for one use: it need not stay in the outer
/// caches, which spares the traffic of evicting it from there (9 to 12 % on Cascade Lake).
#[inline(always)]
pub(crate) fn prefetch_page_once<T>(page: *const T) {
    let second = page.cast::<u8>().wrapping_add(64);
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address has no effect but on the caches; SSE is part of x86-64.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_NTA, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_NTA>(page.cast());
        _mm_prefetch::<_MM_HINT_NTA>(second.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; PRFM is part of the base instruction set.
    unsafe {
        std::arch::asm!("prfm pldl1strm, [{}]", in(reg) page, options(nostack, preserves_flags, readonly));
        std::arch::asm!("prfm pldl1strm, [{}]", in(reg) second, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = second;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn remainders_are_exact_at_the_edges() {
        for divisor in [1, 2, 3, 262_139, 8_388_593, u32::MAX - 1, u32::MAX] {
            for value in [0, 1, divisor - 1, divisor, divisor.wrapping_add(1), u32::MAX - 1, u32::MAX] {
                assert_eq!(Modulo::new(divisor).reduce(value), value % divisor, "{value} % {divisor}");
            }
        }
    }

    proptest! {
        #[test]
        fn remainders_are_exact(divisor in 1_u32.., value in any::<u32>()) {
            prop_assert_eq!(Modulo::new(divisor).reduce(value), value % divisor);
        }
    }
}
