//! Rows in two 256-bit registers: x86-64 with AVX2.

use super::{MixRow, Row, Vectors};
use crate::ethash::parameters::FNV_PRIME;
use std::arch::x86_64::{
    __m256i, _mm_cvtsi128_si32, _mm256_castsi256_si128, _mm256_load_si256, _mm256_mullo_epi32,
    _mm256_permutevar8x32_epi32, _mm256_set1_epi32, _mm256_store_si256, _mm256_xor_si256,
};

/// AVX2.
pub(crate) struct Avx2;

impl Vectors for Avx2 {
    type Lanes = __m256i;
    type Row = [__m256i; 2];
}

impl MixRow for [__m256i; 2] {
    #[inline(always)]
    unsafe fn load(row: *const Row) -> Self {
        // SAFETY: the caller promises AVX2 and a readable row aligned to 64 bytes.
        unsafe { [_mm256_load_si256(row.cast()), _mm256_load_si256(row.cast::<u8>().add(32).cast())] }
    }

    #[inline(always)]
    unsafe fn store(self, row: *mut Row) {
        // SAFETY: the caller promises AVX2 and a writable row aligned to 64 bytes.
        unsafe {
            _mm256_store_si256(row.cast(), self[0]);
            _mm256_store_si256(row.cast::<u8>().add(32).cast(), self[1]);
        }
    }

    #[inline(always)]
    unsafe fn fnv(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe {
            let prime = _mm256_set1_epi32(FNV_PRIME.cast_signed());
            [
                _mm256_xor_si256(_mm256_mullo_epi32(self[0], prime), other[0]),
                _mm256_xor_si256(_mm256_mullo_epi32(self[1], prime), other[1]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn word(self, index: u32) -> u32 {
        // SAFETY: the caller promises AVX2. The permutation takes the index modulo 8.
        unsafe {
            let half = if index < 8 { self[0] } else { self[1] };
            let first = _mm256_permutevar8x32_epi32(half, _mm256_set1_epi32(index.cast_signed()));
            _mm_cvtsi128_si32(_mm256_castsi256_si128(first)).cast_unsigned()
        }
    }
}
