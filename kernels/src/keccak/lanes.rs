//! What the generic Keccak needs of a vector: one 64-bit lane of as many states as it is wide.
//!
//! `u64` and each vector type implement [`Lanes`] in their own file; the permutation and the sponge
//! are written once over it. Nothing here knows an instruction set.

/// A register that holds the same lane of [`Lanes::COUNT`] independent Keccak states.
///
/// # Safety
/// Every method may only be called on a processor that has the implementing type's instructions.
/// The methods are `#[inline(always)]`, so that they become part of a caller with
/// `#[target_feature]`.
pub(crate) trait Lanes: Copy {
    /// States side by side: 1, 4 or 8.
    const COUNT: usize;

    /// Whether a three-way exclusive or is one instruction.
    const HAS_TERNARY: bool;

    /// The same value in every state.
    unsafe fn splat(value: u64) -> Self;

    /// `self ^ other`.
    unsafe fn xor(self, other: Self) -> Self;

    /// `self ^ b ^ c`.
    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: the caller's promise is that of the trait.
        unsafe { self.xor(b).xor(c) }
    }

    /// Rotates each lane left by `LEFT` bits; `RIGHT` is `64 - LEFT`.
    unsafe fn rotate_left<const LEFT: i32, const RIGHT: i32>(self) -> Self;

    /// `self ^ (!b & c)`, the non-linear step chi.
    unsafe fn chi(self, b: Self, c: Self) -> Self;

    /// Reads `words` (at most 8) consecutive 64-bit words of each state's row: word `w` of state `s`
    /// lies `8 * w` bytes into the row, and row `s` starts `min(s, last_row) * stride` bytes after
    /// `base`. Words from `words` on are zero. Rows need no alignment.
    ///
    /// # Safety
    /// `8 * words` bytes must be readable in rows 0 to `last_row`.
    unsafe fn load_rows(base: *const u8, stride: usize, last_row: usize, words: usize) -> [Self; 8];

    /// Writes the first `words` (at most 8) of the 8 lanes to the rows of states 0 to `last_row`,
    /// laid out as in [`Lanes::load_rows`].
    ///
    /// # Safety
    /// `8 * words` bytes must be writable in rows 0 to `last_row`.
    unsafe fn store_rows(lanes: &[Self; 8], base: *mut u8, stride: usize, last_row: usize, words: usize);
}
