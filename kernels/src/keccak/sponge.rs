//! Absorb, pad and squeeze for one group of messages of one length, over any [`Lanes`].
//!
//! Messages are read in place: full words straight from the caller's rows, the last partial word
//! and the padding from a small block on the stack.

use super::lanes::Lanes;
use super::permutation::{permute, permute_peeled};

/// Hashes `rows` (1 to `L::COUNT`) messages of `8 * WORDS` bytes, less than `RATE`; else as
/// [`hash_group`].
///
/// # Safety
/// As [`hash_group`] with `message_bytes = 8 * WORDS`.
#[inline(always)]
pub(crate) unsafe fn hash_short_group<
    L: Lanes,
    const RATE: usize,
    const DIGEST: usize,
    const WORDS: usize,
>(
    messages: *const u8,
    rows: usize,
    digests: *mut u8,
) {
    const { assert!(8 * WORDS < RATE) }
    // SAFETY: the caller's promises are passed on.
    unsafe {
        let mut state = [L::splat(0); 25];
        absorb(&mut state, messages, 8 * WORDS, rows - 1, WORDS);
        pad::<L, RATE>(&mut state, WORDS);
        permute_peeled(&mut state);
        squeeze::<L, DIGEST>(&state, digests, rows - 1);
    }
}

/// Adds the padding of a message that ends with `words` whole words of its last block.
///
/// # Safety
/// The processor must have the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn pad<L: Lanes, const RATE: usize>(state: &mut [L; 25], words: usize) {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        state[words] = state[words].xor(L::splat(1));
        state[RATE / 8 - 1] = state[RATE / 8 - 1].xor(L::splat(0x80 << 56));
    }
}

/// Hashes `rows` (1 to `L::COUNT`) messages of `message_bytes` each, which lie one after the other
/// from `messages` on, into `rows` digests of `DIGEST` bytes from `digests` on.
///
/// # Safety
/// The processor must have the instructions of `L`; `rows * message_bytes` bytes must be readable
/// and `rows * DIGEST` bytes writable.
#[inline(always)]
pub(crate) unsafe fn hash_group<L: Lanes, const RATE: usize, const DIGEST: usize>(
    messages: *const u8,
    message_bytes: usize,
    rows: usize,
    digests: *mut u8,
) {
    let last_row = rows - 1;
    // SAFETY: the caller promises the instructions, and every read stays in its message: whole
    // blocks end before `message_bytes`, and so do the whole words of the last one.
    unsafe {
        let mut state = [L::splat(0); 25];
        let mut start = 0;
        while message_bytes - start >= RATE {
            absorb(&mut state, messages.add(start), message_bytes, last_row, RATE / 8);
            permute(&mut state);
            start += RATE;
        }

        let rest = message_bytes - start;
        let words = rest / 8;
        absorb(&mut state, messages.add(start), message_bytes, last_row, words);
        if rest.is_multiple_of(8) {
            state[words] = state[words].xor(L::splat(1));
        } else {
            let mut block = [[0_u8; 8]; 8];
            for (row, last) in block.iter_mut().enumerate().take(rows) {
                let from = messages.add(row * message_bytes + start + 8 * words);
                std::ptr::copy_nonoverlapping(from, last.as_mut_ptr(), rest % 8);
                last[rest % 8] = 0x01;
            }
            let last = L::load_rows(block.as_ptr().cast(), 8, last_row, 1)[0];
            state[words] = state[words].xor(last);
        }
        state[RATE / 8 - 1] = state[RATE / 8 - 1].xor(L::splat(0x80 << 56));
        permute(&mut state);
        squeeze::<L, DIGEST>(&state, digests, last_row);
    }
}

/// Adds `words` words of each row to the state, eight at a time.
#[inline(always)]
unsafe fn absorb<L: Lanes>(
    state: &mut [L; 25],
    base: *const u8,
    stride: usize,
    last_row: usize,
    words: usize,
) {
    let mut at = 0;
    while at < words {
        let part = (words - at).min(8);
        // SAFETY: the caller promises `words` readable words in each row.
        unsafe {
            let lanes = L::load_rows(base.add(8 * at), stride, last_row, part);
            for (lane, word) in state[at..at + part].iter_mut().zip(lanes) {
                *lane = lane.xor(word);
            }
        }
        at += part;
    }
}

#[inline(always)]
unsafe fn squeeze<L: Lanes, const DIGEST: usize>(state: &[L; 25], digests: *mut u8, last_row: usize) {
    let [a, b, c, d, e, f, g, h, ..] = *state;
    // SAFETY: the caller promises room for a digest per row; digests have at most 8 words.
    unsafe { L::store_rows(&[a, b, c, d, e, f, g, h], digests, DIGEST, last_row, DIGEST / 8) }
}
