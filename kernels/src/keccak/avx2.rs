//! Four states in 256-bit registers: x86-64 with AVX2.
//!
//! Rotations are two shifts and an or; those by 8 and 56 bits are one byte shuffle.

use super::lanes::Lanes;
use std::arch::x86_64::{
    __m256i, _mm256_andnot_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi64,
    _mm256_srli_epi64, _mm256_storeu_si256, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

impl Lanes for __m256i {
    const COUNT: usize = 4;
    const HAS_TERNARY: bool = false;

    #[inline(always)]
    unsafe fn splat(value: u64) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe { _mm256_set1_epi64x(value.cast_signed()) }
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe { _mm256_xor_si256(self, other) }
    }

    #[inline(always)]
    unsafe fn rotate_left<const LEFT: i32, const RIGHT: i32>(self) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe {
            match LEFT {
                8 => _mm256_shuffle_epi8(self, byte_rotation(7)),
                56 => _mm256_shuffle_epi8(self, byte_rotation(1)),
                _ => _mm256_or_si256(_mm256_slli_epi64::<LEFT>(self), _mm256_srli_epi64::<RIGHT>(self)),
            }
        }
    }

    #[inline(always)]
    unsafe fn chi(self, b: Self, c: Self) -> Self {
        // SAFETY: the caller promises AVX2.
        unsafe { _mm256_xor_si256(self, _mm256_andnot_si256(b, c)) }
    }

    #[inline(always)]
    unsafe fn load_rows(base: *const u8, stride: usize, last_row: usize, words: usize) -> [Self; 8] {
        // SAFETY: the caller promises AVX2, and `words` readable words in rows 0 to `last_row`: a
        // whole half row is read at once only where it lies within `words`.
        unsafe {
            let mut lanes = [_mm256_setzero_si256(); 8];
            for half in 0..words.div_ceil(4) {
                let rows = [0, 1, 2, 3].map(|row: usize| base.add(row.min(last_row) * stride + 32 * half));
                let quads = if words >= 4 * half + 4 {
                    transpose(rows.map(|row| _mm256_loadu_si256(row.cast())))
                } else {
                    let mut part = [_mm256_setzero_si256(); 4];
                    for (word, lane) in part.iter_mut().enumerate().take(words - 4 * half) {
                        let [a, b, c, d] = rows.map(|row| row.add(8 * word).cast::<i64>().read_unaligned());
                        *lane = _mm256_set_epi64x(d, c, b, a);
                    }
                    part
                };
                lanes[4 * half..4 * half + 4].copy_from_slice(&quads);
            }
            lanes
        }
    }

    #[inline(always)]
    unsafe fn store_rows(lanes: &[Self; 8], base: *mut u8, stride: usize, last_row: usize, words: usize) {
        // SAFETY: the caller promises AVX2, and `words` writable words in rows 0 to `last_row`.
        unsafe {
            for half in 0..words.div_ceil(4) {
                let [a, b, c, d] = [0, 1, 2, 3].map(|word| lanes[4 * half + word]);
                for (row, quad) in transpose([a, b, c, d]).into_iter().enumerate().take(last_row + 1) {
                    let to = base.add(row * stride + 32 * half);
                    if words >= 4 * half + 4 {
                        _mm256_storeu_si256(to.cast(), quad);
                    } else {
                        let mut words_of_row = [0_u8; 32];
                        _mm256_storeu_si256(words_of_row.as_mut_ptr().cast(), quad);
                        std::ptr::copy_nonoverlapping(words_of_row.as_ptr(), to, 8 * (words - 4 * half));
                    }
                }
            }
        }
    }
}

/// The byte shuffle that moves every byte of a lane `by` places down, around its end.
#[inline(always)]
unsafe fn byte_rotation(by: usize) -> __m256i {
    let mut bytes = [0_u8; 32];
    for (at, byte) in (0_u8..).zip(&mut bytes) {
        let within = (usize::from(at) + by) % 8;
        // Shuffles work within 16-byte halves.
        *byte = (at % 16) / 8 * 8 + [0, 1, 2, 3, 4, 5, 6, 7][within];
    }
    // SAFETY: the caller promises AVX2; the array has 32 bytes.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// Transposes 4 x 4 words.
#[inline(always)]
unsafe fn transpose(rows: [__m256i; 4]) -> [__m256i; 4] {
    // SAFETY: the caller promises AVX2.
    unsafe {
        let [a, b, c, d] = rows;
        let (ab_even, ab_odd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
        let (cd_even, cd_odd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
        [
            _mm256_permute2x128_si256::<0x20>(ab_even, cd_even),
            _mm256_permute2x128_si256::<0x20>(ab_odd, cd_odd),
            _mm256_permute2x128_si256::<0x31>(ab_even, cd_even),
            _mm256_permute2x128_si256::<0x31>(ab_odd, cd_odd),
        ]
    }
}
