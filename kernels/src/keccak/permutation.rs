//! Keccak-f\[1600\] once, over any [`Lanes`].
//!
//! The state is 25 lanes, lane (x, y) at index `5 * y + x`. One round is
//!
//! ```text
//! theta   c[x] = parity of column x;  a[x, y] ^= c[x-1] ^ (c[x+1] <<< 1)
//! rho+pi  b[y, 2x+3y] = a[x, y] <<< r[x, y]
//! chi     a[x, y] = b[x, y] ^ (!b[x+1, y] & b[x+2, y])
//! iota    a[0, 0] ^= constant of the round
//! ```
//!
//! 1. All lanes are locals with constant indices, so that they live in registers. AVX-512 has 32:
//!    theta goes column by column in place (25 lanes, 5 parities, one temporary), then each row of
//!    chi takes the five lanes that it alone needs, so that nothing has to be spilled.
//! 2. Where a three-way xor is one instruction, the theta effect is never formed: 25 three-way xors
//!    replace 5 + 25 two-way ones, and chi is one instruction a lane. A round is 90 instructions,
//!    of which 29 rotations go to one port: 45 cycles at best on two 512-bit ports.
//! 3. A caller may run any part of the 24 rounds ([`rounds`]), so that hashing can be interleaved
//!    with memory accesses.

use super::lanes::Lanes;

/// Constants of iota (FIPS 202, section 3.2.5), tested against the reference's generator.
pub(crate) const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// All 24 rounds over the state, in place.
///
/// # Safety
/// The processor must have the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn permute<L: Lanes>(state: &mut [L; 25]) {
    // SAFETY: the caller's promise is passed on.
    unsafe { rounds::<L, 0, 24>(state) }
}

/// All 24 rounds with the first and the last one outside of the loop, so that a compiler that knows
/// the state's zeros, or that few lanes of the result are used, can leave out their work.
///
/// # Safety
/// The processor must have the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn permute_peeled<L: Lanes>(state: &mut [L; 25]) {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        rounds::<L, 0, 1>(state);
        rounds::<L, 1, 23>(state);
        rounds::<L, 23, 24>(state);
    }
}

/// Rounds `FIRST` to `END` (exclusive) over the state, in place.
///
/// # Safety
/// The processor must have the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn rounds<L: Lanes, const FIRST: usize, const END: usize>(state: &mut [L; 25]) {
    let mut lanes = *state;
    for constant in &ROUND_CONSTANTS[FIRST..END] {
        // SAFETY: the caller's promise is passed on.
        unsafe {
            theta(&mut lanes);
            lanes = rho_pi_chi(&lanes);
            lanes[0] = lanes[0].xor(L::splat(*constant));
        }
    }
    *state = lanes;
}

#[inline(always)]
unsafe fn theta<L: Lanes>(a: &mut [L; 25]) {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        let c0 = a[0].xor3(a[5], a[10]).xor3(a[15], a[20]);
        let c1 = a[1].xor3(a[6], a[11]).xor3(a[16], a[21]);
        let c2 = a[2].xor3(a[7], a[12]).xor3(a[17], a[22]);
        let c3 = a[3].xor3(a[8], a[13]).xor3(a[18], a[23]);
        let c4 = a[4].xor3(a[9], a[14]).xor3(a[19], a[24]);
        theta_column(a, 0, c4, c1);
        theta_column(a, 1, c0, c2);
        theta_column(a, 2, c1, c3);
        theta_column(a, 3, c2, c4);
        theta_column(a, 4, c3, c0);
    }
}

#[inline(always)]
unsafe fn theta_column<L: Lanes>(a: &mut [L; 25], x: usize, left: L, right: L) {
    // SAFETY: the caller's promise is passed on.
    unsafe {
        let right = right.rotate_left::<1, 63>();
        if L::HAS_TERNARY {
            a[x] = a[x].xor3(left, right);
            a[x + 5] = a[x + 5].xor3(left, right);
            a[x + 10] = a[x + 10].xor3(left, right);
            a[x + 15] = a[x + 15].xor3(left, right);
            a[x + 20] = a[x + 20].xor3(left, right);
        } else {
            let effect = left.xor(right);
            a[x] = a[x].xor(effect);
            a[x + 5] = a[x + 5].xor(effect);
            a[x + 10] = a[x + 10].xor(effect);
            a[x + 15] = a[x + 15].xor(effect);
            a[x + 20] = a[x + 20].xor(effect);
        }
    }
}

/// One row of the state after pi: source lane and rotation of each of its five lanes, then chi.
macro_rules! row {
    ($a:ident, $n:ident, $at:literal, $s0:literal << $l0:literal, $s1:literal << $l1:literal, $s2:literal << $l2:literal, $s3:literal << $l3:literal, $s4:literal << $l4:literal) => {
        let b0 = $a[$s0].rotate_left::<$l0, { 64 - $l0 }>();
        let b1 = $a[$s1].rotate_left::<$l1, { 64 - $l1 }>();
        let b2 = $a[$s2].rotate_left::<$l2, { 64 - $l2 }>();
        let b3 = $a[$s3].rotate_left::<$l3, { 64 - $l3 }>();
        let b4 = $a[$s4].rotate_left::<$l4, { 64 - $l4 }>();
        $n[$at] = b0.chi(b1, b2);
        $n[$at + 1] = b1.chi(b2, b3);
        $n[$at + 2] = b2.chi(b3, b4);
        $n[$at + 3] = b3.chi(b4, b0);
        $n[$at + 4] = b4.chi(b0, b1);
    };
}

/// Rho, pi and chi, one row of the result at a time.
#[inline(always)]
unsafe fn rho_pi_chi<L: Lanes>(a: &[L; 25]) -> [L; 25] {
    let mut n = *a;
    // SAFETY: the caller's promise is passed on.
    unsafe {
        row!(a, n, 0, 0 << 0, 6 << 44, 12 << 43, 18 << 21, 24 << 14);
        row!(a, n, 5, 3 << 28, 9 << 20, 10 << 3, 16 << 45, 22 << 61);
        row!(a, n, 10, 1 << 1, 7 << 6, 13 << 25, 19 << 8, 20 << 18);
        row!(a, n, 15, 4 << 27, 5 << 36, 11 << 10, 17 << 15, 23 << 56);
        row!(a, n, 20, 2 << 62, 8 << 55, 14 << 39, 15 << 41, 21 << 2);
    }
    n
}
