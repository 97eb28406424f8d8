//! Dataset items from the light cache, many at a time.
//!
//! ```text
//! for each of K items:  mix = keccak512(cache[i % rows] with word 0 ^= i)
//! 256 times:            parent = fnv(i ^ j, mix[j % 16]) % rows
//!                       mix = fnv(mix, cache[parent])
//!                       item = keccak512(mix)
//! ```
//!
//! 1. The parents of one item depend on one another, those of different items do not: K items
//!    advance together, and each asks for its next row as soon as it knows it.
//! 2. The K mixes stay in registers for all 256 parents (one 512-bit register each with AVX-512), so
//!    that no store stands between the reads.
//! 3. Keccak-512 runs over `Lanes::COUNT` items at a time, on 64-byte messages of one block.
//! 4. The remainder by the number of rows is two multiplications.

use super::Row;
use super::parameters::DATASET_PARENTS;
use super::vectors::scalar::Scalar;
use super::vectors::{Aligned, MixRow, Modulo, Vectors, fnv, prefetch_line};
use crate::isa::Isa;
use crate::keccak::lanes::Lanes;
use crate::keccak::reference::RATE_512;
use crate::keccak::sponge::hash_short_group;

/// Items that one thread computes side by side when it fills a range.
pub(crate) const IN_FLIGHT: usize = 16;

/// A light cache as the item loops see it: its rows, and the remainder by their number.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    rows: &'a [Row],
    modulo: Modulo,
}

impl<'a> Rows<'a> {
    /// Rows of a light cache: at least one, aligned to 64 bytes.
    pub(crate) fn new(rows: &'a [Row]) -> Self {
        assert!(
            !rows.is_empty() && rows.as_ptr().cast::<u8>().align_offset(64) == 0,
            "a light cache has rows, aligned to 64 bytes"
        );
        Self { rows, modulo: Modulo::new(u32::try_from(rows.len()).unwrap_or(u32::MAX)) }
    }
}

/// Computes the items from `first` on into `out`, with the instructions of `isa`.
///
/// # Safety
/// The processor must have the instructions of `isa`.
pub(crate) unsafe fn fill(isa: Isa, cache: Rows<'_>, first: u32, out: &mut [Row]) {
    // SAFETY: the caller promises the instructions.
    unsafe {
        match isa {
            Isa::Scalar => fill_with::<Scalar>(cache, first, out),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => x86::fill_avx2(cache, first, out),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => x86::fill_avx512(cache, first, out),
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => fill_with::<Scalar>(cache, first, out),
        }
    }
}

/// Computes the items of any `K` indices, with the instructions of `isa`.
///
/// # Safety
/// The processor must have the instructions of `isa`.
pub(crate) unsafe fn gather<const K: usize>(
    isa: Isa,
    cache: Rows<'_>,
    indices: [u32; K],
    out: &mut Aligned<[Row; K]>,
) {
    // SAFETY: the caller promises the instructions; `Rows` checked the alignment.
    unsafe {
        match isa {
            Isa::Scalar => items::<Scalar, K>(cache, indices, out),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => x86::items_avx2(cache, indices, out),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => x86::items_avx512(cache, indices, out),
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => items::<Scalar, K>(cache, indices, out),
        }
    }
}

/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn fill_with<V: Vectors>(cache: Rows<'_>, first: u32, out: &mut [Row]) {
    let mut block = Aligned([[0; 16]; IN_FLIGHT]);
    let mut index = first;
    for part in out.chunks_mut(IN_FLIGHT) {
        let mut indices = [index; IN_FLIGHT];
        for (k, at) in (0..).zip(&mut indices) {
            *at = index.wrapping_add(k);
        }
        // SAFETY: the caller promises the instructions; `Rows` checked the alignment.
        unsafe { items::<V, IN_FLIGHT>(cache, indices, &mut block) }
        part.copy_from_slice(&block.0[..part.len()]);
        index = indices[IN_FLIGHT - 1].wrapping_add(1);
    }
}

/// Computes the items of `indices` from the light cache.
///
/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn items<V: Vectors, const K: usize>(
    cache: Rows<'_>,
    indices: [u32; K],
    items: &mut Aligned<[Row; K]>,
) {
    let Rows { rows, modulo } = cache;
    let cache = rows.as_ptr();
    for (item, index) in items.0.iter_mut().zip(indices) {
        // SAFETY: the remainder is below the number of rows.
        *item = unsafe { *cache.add(modulo.reduce(index) as usize) };
        item[0] ^= index;
    }
    // SAFETY: the caller promises the instructions; every parent is a remainder below the number of
    // rows; `items` is aligned.
    unsafe {
        keccak512_rows::<V, K>(items);
        let mut mix = items.0.each_ref().map(|item| V::Row::load(item));
        let mut parent = [cache; K];
        for k in 0..K {
            parent[k] = cache.add(modulo.reduce(fnv(indices[k], mix[k].word(0))) as usize);
            prefetch_line(parent[k]);
        }
        for j in 1..DATASET_PARENTS {
            for k in 0..K {
                mix[k] = mix[k].fnv(V::Row::load(parent[k]));
                let next = modulo.reduce(fnv(indices[k] ^ j, mix[k].word(j % 16)));
                parent[k] = cache.add(next as usize);
                prefetch_line(parent[k]);
            }
        }
        for k in 0..K {
            mix[k].fnv(V::Row::load(parent[k])).store(&raw mut items.0[k]);
        }
        keccak512_rows::<V, K>(items);
    }
}

/// Replaces each row by its Keccak-512.
///
/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn keccak512_rows<V: Vectors, const K: usize>(rows: &mut Aligned<[Row; K]>) {
    let mut at = 0;
    while at < K {
        let count = (K - at).min(V::Lanes::COUNT);
        let group = rows.0.as_mut_ptr().wrapping_add(at).cast::<u8>();
        // SAFETY: `count` rows of 64 bytes lie from `group` on; a message is read before its digest
        // is written.
        unsafe { hash_short_group::<V::Lanes, RATE_512, 64, 8>(group, count, group) }
        at += count;
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Aligned, Row, Rows, fill_with, items};
    use crate::ethash::vectors::{avx2::Avx2, avx512::Avx512};

    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn fill_avx2(cache: Rows<'_>, first: u32, out: &mut [Row]) {
        // SAFETY: the caller promises AVX2.
        unsafe { fill_with::<Avx2>(cache, first, out) }
    }

    /// # Safety
    /// The processor must have AVX-512 F, BW, DQ and VL.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn fill_avx512(cache: Rows<'_>, first: u32, out: &mut [Row]) {
        // SAFETY: the caller promises AVX-512.
        unsafe { fill_with::<Avx512>(cache, first, out) }
    }

    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn items_avx2<const K: usize>(
        cache: Rows<'_>,
        indices: [u32; K],
        out: &mut Aligned<[Row; K]>,
    ) {
        // SAFETY: the caller promises AVX2.
        unsafe { items::<Avx2, K>(cache, indices, out) }
    }

    /// # Safety
    /// The processor must have AVX-512 F, BW, DQ and VL.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn items_avx512<const K: usize>(
        cache: Rows<'_>,
        indices: [u32; K],
        out: &mut Aligned<[Row; K]>,
    ) {
        // SAFETY: the caller promises AVX-512.
        unsafe { items::<Avx512, K>(cache, indices, out) }
    }
}
