//! Rows in one 512-bit register: x86-64 with AVX-512F.

use super::{MixRow, Row, Vectors};
use crate::ethash::parameters::FNV_PRIME;
use std::arch::x86_64::{
    __m512i, _mm_cvtsi128_si32, _mm256_mullo_epi32, _mm256_set1_epi32, _mm256_storeu_si256, _mm256_xor_si256,
    _mm512_add_epi32, _mm512_castsi512_si128, _mm512_castsi512_si256, _mm512_load_si512, _mm512_loadu_si512,
    _mm512_mullo_epi32, _mm512_permutex2var_epi32, _mm512_permutexvar_epi32, _mm512_set1_epi32,
    _mm512_store_si512, _mm512_xor_si512,
};

/// AVX-512.
pub(crate) struct Avx512;

impl Vectors for Avx512 {
    type Lanes = __m512i;
    type Row = __m512i;
}

impl MixRow for __m512i {
    #[inline(always)]
    unsafe fn load(row: *const Row) -> Self {
        // SAFETY: the caller promises AVX-512F and a readable row aligned to 64 bytes.
        unsafe { _mm512_load_si512(row.cast()) }
    }

    #[inline(always)]
    unsafe fn store(self, row: *mut Row) {
        // SAFETY: the caller promises AVX-512F and a writable row aligned to 64 bytes.
        unsafe { _mm512_store_si512(row.cast(), self) }
    }

    #[inline(always)]
    unsafe fn fnv(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe {
            let prime = _mm512_set1_epi32(FNV_PRIME.cast_signed());
            _mm512_xor_si512(_mm512_mullo_epi32(self, prime), other)
        }
    }

    #[inline(always)]
    unsafe fn word(self, index: u32) -> u32 {
        // SAFETY: the caller promises AVX-512F.
        unsafe {
            let first = _mm512_permutexvar_epi32(_mm512_set1_epi32(index.cast_signed()), self);
            _mm_cvtsi128_si32(_mm512_castsi512_si128(first)).cast_unsigned()
        }
    }

    #[inline(always)]
    unsafe fn compress(low: Self, high: Self) -> [u32; 8] {
        // SAFETY: the caller promises AVX-512 F and VL; the array has 32 bytes.
        unsafe {
            let prime = _mm256_set1_epi32(FNV_PRIME.cast_signed());
            // Word 0 of each of the eight quads, four of `low` and then four of `high`; then words 1 to 3.
            let mut at = _mm512_loadu_si512(QUADS.as_ptr().cast());
            let mut sum = _mm512_castsi512_si256(_mm512_permutex2var_epi32(low, at, high));
            for _ in 1..4 {
                at = _mm512_add_epi32(at, _mm512_set1_epi32(1));
                let next = _mm512_castsi512_si256(_mm512_permutex2var_epi32(low, at, high));
                sum = _mm256_xor_si256(_mm256_mullo_epi32(sum, prime), next);
            }
            let mut words = [0; 8];
            _mm256_storeu_si256(words.as_mut_ptr().cast(), sum);
            words
        }
    }
}

/// Where the quads of two rows start; the upper half is not used.
const QUADS: [i32; 16] = [0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0];
