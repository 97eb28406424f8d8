//! Rows as plain arrays: every processor.

use super::{MixRow, Row, Vectors, fnv};

/// The set of instructions that every processor of the target has.
pub(crate) struct Scalar;

impl Vectors for Scalar {
    type Lanes = u64;
    type Row = Row;
}

impl MixRow for Row {
    #[inline(always)]
    unsafe fn load(row: *const Row) -> Self {
        // SAFETY: the caller promises a readable row.
        unsafe { row.read() }
    }

    #[inline(always)]
    unsafe fn store(self, row: *mut Row) {
        // SAFETY: the caller promises a writable row.
        unsafe { row.write(self) }
    }

    #[inline(always)]
    unsafe fn fnv(mut self, other: Self) -> Self {
        for (word, other) in self.iter_mut().zip(other) {
            *word = fnv(*word, other);
        }
        self
    }

    #[inline(always)]
    unsafe fn word(self, index: u32) -> u32 {
        self[index as usize % 16]
    }
}
