//! Rows in one 512-bit register: x86-64 with AVX-512F.

use super::{MixRow, Row, Vectors};
use crate::ethash::parameters::FNV_PRIME;
use std::arch::x86_64::{
    __m512i, _mm_cvtsi128_si32, _mm512_castsi512_si128, _mm512_load_si512, _mm512_mullo_epi32,
    _mm512_permutexvar_epi32, _mm512_set1_epi32, _mm512_store_si512, _mm512_xor_si512,
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
}
