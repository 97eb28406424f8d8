//! Eight hashes under way, each from page to page.
//!
//! Knows how a mix finds and takes its pages; nothing of headers, nonces and boundaries.

use super::job::IN_FLIGHT;
use crate::ethash::vectors::{MixRow, Modulo, Vectors, fnv, prefetch_page_once, scalar::Scalar};
#[cfg(target_arch = "x86_64")]
use crate::ethash::vectors::{avx2::Avx2, avx512::Avx512};
use crate::ethash::{Page, Row};

/// Eight hashes under way: their mixes, and the page that each waits for.
pub(super) struct Chains<V: Vectors> {
    pages: *const Page,
    modulo: Modulo,
    low: [V::Row; IN_FLIGHT],
    high: [V::Row; IN_FLIGHT],
    seed_word: [u32; IN_FLIGHT],
    page: [*const Row; IN_FLIGHT],
}

impl<V: Vectors> Chains<V> {
    /// # Safety
    /// As `search`, for one group of chains.
    #[inline(always)]
    pub(super) unsafe fn new(pages: &[Page]) -> Self {
        let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
        let first = pages.as_ptr();
        // SAFETY: there is at least one page.
        let row = unsafe { V::Row::load(first.cast()) };
        Self {
            pages: first,
            modulo: Modulo::new(count),
            low: [row; IN_FLIGHT],
            high: [row; IN_FLIGHT],
            seed_word: [0; IN_FLIGHT],
            page: [first.cast(); IN_FLIGHT],
        }
    }

    /// Starts chain `k` on a seed.
    #[inline(always)]
    pub(super) unsafe fn start(&mut self, k: usize, seed: &Row) {
        // SAFETY: the caller promises the instructions; seeds are aligned to 64 bytes.
        unsafe {
            let row = V::Row::load(seed);
            self.low[k] = row;
            self.high[k] = row;
        }
        self.seed_word[k] = seed[0];
        self.page[k] = self.locate(seed[0], 0, seed[0]);
    }

    /// Finds the page of access `access` from the mix's word for it, and prefetches it.
    #[inline(always)]
    fn locate(&self, seed_word: u32, access: u32, word: u32) -> *const Row {
        let index = self.modulo.reduce(fnv(access ^ seed_word, word));
        let page = self.pages.wrapping_add(index as usize).cast::<Row>();
        prefetch_page_once(page);
        page
    }

    /// Takes the pages of all chains and asks for those of accesses `first` to `end` (exclusive),
    /// whose words all stand in the low or all in the high half of the mix.
    ///
    /// The chains are copied to locals and back, or the compiler would write each step's mixes to
    /// memory as well.
    #[inline(always)]
    unsafe fn advance<const HIGH: bool>(&mut self, first: u32, end: u32) {
        let (mut low, mut high, mut page, seed_word) = (self.low, self.high, self.page, self.seed_word);
        for access in first..end {
            for k in 0..IN_FLIGHT {
                // SAFETY: the caller promises the instructions; a page holds two aligned rows.
                unsafe {
                    let taken = page[k];
                    if HIGH {
                        high[k] = high[k].fnv(V::Row::load(taken.wrapping_add(1)));
                        page[k] = self.locate(seed_word[k], access, high[k].word(access % 16));
                        low[k] = low[k].fnv(V::Row::load(taken));
                    } else {
                        low[k] = low[k].fnv(V::Row::load(taken));
                        page[k] = self.locate(seed_word[k], access, low[k].word(access % 16));
                        high[k] = high[k].fnv(V::Row::load(taken.wrapping_add(1)));
                    }
                }
            }
        }
        (self.low, self.high, self.page) = (low, high, page);
    }

    /// Takes the last page of chain `k` and compresses its mix to the mix hash.
    #[inline(always)]
    pub(super) unsafe fn finish(&mut self, k: usize) -> [u32; 8] {
        // SAFETY: the caller promises the instructions; a page holds two aligned rows.
        unsafe {
            let low = self.low[k].fnv(V::Row::load(self.page[k]));
            let high = self.high[k].fnv(V::Row::load(self.page[k].wrapping_add(1)));
            V::Row::compress(low, high)
        }
    }
}

/// The accesses of [`Chains::advance`] as functions of their own.
///
/// Inlined into the search, the mixes of some segments lost their registers to the states of Keccak
/// and went through memory: 360 instead of 500 kH/s a thread.
pub(super) trait Advance: Vectors + Sized {
    /// Accesses whose words stand in the low half of the mix.
    unsafe fn advance_low(chains: &mut Chains<Self>, first: u32, end: u32);
    /// Accesses whose words stand in the high half of the mix.
    unsafe fn advance_high(chains: &mut Chains<Self>, first: u32, end: u32);
}

macro_rules! advance {
    ($vectors:ty $(, $features:literal)?) => {
        impl Advance for $vectors {
            #[inline(always)]
            unsafe fn advance_low(chains: &mut Chains<Self>, first: u32, end: u32) {
                #[inline(never)]
                $(#[target_feature(enable = $features)])?
                unsafe fn advance(chains: &mut Chains<$vectors>, first: u32, end: u32) {
                    // SAFETY: the caller promises the instructions.
                    unsafe { chains.advance::<false>(first, end) }
                }
                // SAFETY: the caller promises the instructions.
                unsafe { advance(chains, first, end) }
            }

            #[inline(always)]
            unsafe fn advance_high(chains: &mut Chains<Self>, first: u32, end: u32) {
                #[inline(never)]
                $(#[target_feature(enable = $features)])?
                unsafe fn advance(chains: &mut Chains<$vectors>, first: u32, end: u32) {
                    // SAFETY: the caller promises the instructions.
                    unsafe { chains.advance::<true>(first, end) }
                }
                // SAFETY: the caller promises the instructions.
                unsafe { advance(chains, first, end) }
            }
        }
    };
}

advance!(Scalar);
#[cfg(target_arch = "x86_64")]
advance!(Avx2, "avx2");
#[cfg(target_arch = "x86_64")]
advance!(Avx512, "avx512f,avx512bw,avx512dq,avx512vl");
