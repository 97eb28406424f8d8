//! Keccak-f\[1600\] written as FIPS 202 states it. Never optimised: everything else is tested
//! against it, and it is tested against the crate `sha3` and published vectors.
//!
//! The state is `lane[x][y]`, 64-bit lanes, with x and y modulo 5 (FIPS 202, section 3.1).

use super::{Digest256, Digest512};

/// Rate of Keccak-256 in bytes: the part of the 200-byte state that input is absorbed into.
pub const RATE_256: usize = 136;
/// Rate of Keccak-512 in bytes.
pub const RATE_512: usize = 72;

type State = [[u64; 5]; 5];

/// Keccak-256 of `message`, any length.
pub fn keccak256(message: &[u8]) -> Digest256 {
    sponge::<RATE_256, 32>(message)
}

/// Keccak-512 of `message`, any length.
pub fn keccak512(message: &[u8]) -> Digest512 {
    sponge::<RATE_512, 64>(message)
}

/// The sponge of FIPS 202, section 4, with Keccak's own padding `pad10*1` and no domain bits.
fn sponge<const RATE: usize, const DIGEST: usize>(message: &[u8]) -> [u8; DIGEST] {
    let mut padded = message.to_vec();
    padded.push(0x01);
    padded.resize(padded.len().next_multiple_of(RATE), 0);
    let last = padded.len() - 1;
    padded[last] |= 0x80;

    let mut state = State::default();
    for block in padded.chunks_exact(RATE) {
        for (index, bytes) in block.chunks_exact(8).enumerate() {
            let mut lane = [0; 8];
            lane.copy_from_slice(bytes);
            state[index % 5][index / 5] ^= u64::from_le_bytes(lane);
        }
        permute(&mut state);
    }

    let mut digest = [0; DIGEST];
    for (index, bytes) in digest.chunks_exact_mut(8).enumerate() {
        bytes.copy_from_slice(&state[index % 5][index / 5].to_le_bytes());
    }
    digest
}

/// Keccak-p\[1600, 24\]: 24 rounds of theta, rho, pi, chi, iota (section 3.3).
fn permute(state: &mut State) {
    for round in 0..24 {
        theta(state);
        rho_and_pi(state);
        chi(state);
        state[0][0] ^= round_constant(round);
    }
}

/// Section 3.2.1: each lane takes the parity of two neighbouring columns.
fn theta(state: &mut State) {
    let parity = state.map(|column| column.iter().fold(0, |sum, lane| sum ^ lane));
    for x in 0..5 {
        let effect = parity[(x + 4) % 5] ^ parity[(x + 1) % 5].rotate_left(1);
        for lane in &mut state[x] {
            *lane ^= effect;
        }
    }
}

/// Sections 3.2.2 and 3.2.3: rotate lane (x, y) by the triangular numbers along the walk
/// (x, y) -> (y, 2x + 3y), and move it to where the walk goes next.
fn rho_and_pi(state: &mut State) {
    let (mut x, mut y) = (1, 0);
    let mut carried = state[1][0];
    for step in 0..24_u32 {
        (x, y) = (y, (2 * x + 3 * y) % 5);
        let offset = (step + 1) * (step + 2) / 2 % 64;
        carried = std::mem::replace(&mut state[x][y], carried.rotate_left(offset));
    }
}

/// Section 3.2.4: the only non-linear step, along each row.
fn chi(state: &mut State) {
    let before = *state;
    for x in 0..5 {
        for y in 0..5 {
            state[x][y] = before[x][y] ^ (!before[(x + 1) % 5][y] & before[(x + 2) % 5][y]);
        }
    }
}

/// Section 3.2.5: round constants from the linear feedback shift register x^8 + x^6 + x^5 + x^4 + 1.
pub(crate) fn round_constant(round: usize) -> u64 {
    (0..7).fold(0, |constant, j| constant | (u64::from(shift_register_bit(j + 7 * round)) << ((1 << j) - 1)))
}

/// `rc(t)` of section 3.2.5.
fn shift_register_bit(t: usize) -> bool {
    let mut register = 1_u16;
    for _ in 0..t % 255 {
        register <<= 1;
        if register & 0x100 != 0 {
            register ^= 0x171;
        }
    }
    register & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha3::{Digest, Keccak256, Keccak512};

    #[test]
    fn agrees_with_the_crate_sha3_on_every_length_over_two_blocks() {
        let message: Vec<u8> = (0..300_u32).map(|i| (i * 7 + 1).to_le_bytes()[0]).collect();
        for length in 0..message.len() {
            let part = &message[..length];
            assert_eq!(keccak256(part)[..], Keccak256::digest(part)[..], "keccak-256, {length} bytes");
            assert_eq!(keccak512(part)[..], Keccak512::digest(part)[..], "keccak-512, {length} bytes");
        }
    }
}
