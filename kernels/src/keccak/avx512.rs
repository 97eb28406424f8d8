//! Eight states in 512-bit registers: x86-64 with AVX-512F.
//!
//! `vprolq` rotates in one instruction; `vpternlogq` does a three-way xor (table 0x96) and chi
//! (table 0xd2) in one.

use super::lanes::Lanes;
use std::arch::x86_64::{
    __m512i, _mm512_mask_storeu_epi64, _mm512_maskz_loadu_epi64, _mm512_rol_epi64, _mm512_set1_epi64,
    _mm512_shuffle_i64x2, _mm512_ternarylogic_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
    _mm512_xor_si512,
};

impl Lanes for __m512i {
    const COUNT: usize = 8;
    const HAS_TERNARY: bool = true;

    #[inline(always)]
    unsafe fn splat(value: u64) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe { _mm512_set1_epi64(value.cast_signed()) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe { _mm512_xor_si512(self, other) }
    }

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe { _mm512_ternarylogic_epi64::<0x96>(self, b, c) }
    }

    #[inline(always)]
    unsafe fn rotate_left<const LEFT: i32, const RIGHT: i32>(self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe { if LEFT == 0 { self } else { _mm512_rol_epi64::<LEFT>(self) } }
    }

    #[inline(always)]
    unsafe fn chi(self, b: Self, c: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        unsafe { _mm512_ternarylogic_epi64::<0xd2>(self, b, c) }
    }

    #[inline(always)]
    unsafe fn load_rows(base: *const u8, stride: usize, last_row: usize, words: usize) -> [Self; 8] {
        let mask = word_mask(words);
        // SAFETY: the caller promises AVX-512F, and `words` readable words in rows 0 to `last_row`;
        // words outside the mask are not touched.
        unsafe {
            transpose([0, 1, 2, 3, 4, 5, 6, 7].map(|row: usize| {
                _mm512_maskz_loadu_epi64(mask, base.add(row.min(last_row) * stride).cast())
            }))
        }
    }

    #[inline(always)]
    unsafe fn store_rows(lanes: &[Self; 8], base: *mut u8, stride: usize, last_row: usize, words: usize) {
        let mask = word_mask(words);
        // SAFETY: the caller promises AVX-512F, and `words` writable words in rows 0 to `last_row`;
        // words outside the mask are not touched.
        unsafe {
            for (row, lane) in transpose(*lanes).into_iter().enumerate().take(last_row + 1) {
                _mm512_mask_storeu_epi64(base.add(row * stride).cast(), mask, lane);
            }
        }
    }
}

/// The lowest `words` bits, for at most 8 words.
#[inline(always)]
fn word_mask(words: usize) -> u8 {
    [0x00, 0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff][words.min(8)]
}

/// Transposes 8 x 8 words: pairs, then quarters, then halves.
#[inline(always)]
unsafe fn transpose(rows: [__m512i; 8]) -> [__m512i; 8] {
    // SAFETY: the caller promises AVX-512F.
    unsafe {
        let [a, b, c, d, e, f, g, h] = rows;
        // Each 128-bit quarter q of `xy_even` holds word 2q of x and y; `xy_odd`, word 2q + 1.
        let (ab_even, ab_odd) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
        let (cd_even, cd_odd) = (_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
        let (ef_even, ef_odd) = (_mm512_unpacklo_epi64(e, f), _mm512_unpackhi_epi64(e, f));
        let (gh_even, gh_odd) = (_mm512_unpacklo_epi64(g, h), _mm512_unpackhi_epi64(g, h));
        let [w0, w2, w4, w6] = transpose_quarters([ab_even, cd_even, ef_even, gh_even]);
        let [w1, w3, w5, w7] = transpose_quarters([ab_odd, cd_odd, ef_odd, gh_odd]);
        [w0, w1, w2, w3, w4, w5, w6, w7]
    }
}

/// Transposes 4 x 4 quarters of 128 bits.
#[inline(always)]
unsafe fn transpose_quarters(rows: [__m512i; 4]) -> [__m512i; 4] {
    // SAFETY: the caller promises AVX-512F.
    unsafe {
        let [a, b, c, d] = rows;
        let (ab_01, ab_23) = (_mm512_shuffle_i64x2::<0x44>(a, b), _mm512_shuffle_i64x2::<0xee>(a, b));
        let (cd_01, cd_23) = (_mm512_shuffle_i64x2::<0x44>(c, d), _mm512_shuffle_i64x2::<0xee>(c, d));
        [
            _mm512_shuffle_i64x2::<0x88>(ab_01, cd_01),
            _mm512_shuffle_i64x2::<0xdd>(ab_01, cd_01),
            _mm512_shuffle_i64x2::<0x88>(ab_23, cd_23),
            _mm512_shuffle_i64x2::<0xdd>(ab_23, cd_23),
        ]
    }
}
