// Keccak-f[1600] and the four sponges that Ethash needs, over LANE: `ulong` hashes one message in
// a work-item, `ulong8` eight. No kernel is here.
//
// The state stays in registers: every index below is a constant after inlining. The loop over the
// rounds is left rolled: two calls of 24 unrolled rounds are about 280 KiB of machine code on an
// NVIDIA GPU, several times its instruction cache, and one round is 6 KiB. Rotations by constants
// become funnel shifts on NVIDIA (shf.l.wrap.b32), v_alignbit on AMD and vprolq on AVX-512.
//
// Source: FIPS 202 section 3; padding is Keccak's own 0x01 ... 0x80. a[x + 5 y] is lane (x, y).

__constant ulong ROUND_CONSTANTS[24] = {
    0x0000000000000001UL, 0x0000000000008082UL, 0x800000000000808aUL, 0x8000000080008000UL,
    0x000000000000808bUL, 0x0000000080000001UL, 0x8000000080008081UL, 0x8000000000008009UL,
    0x000000000000008aUL, 0x0000000000000088UL, 0x0000000080008009UL, 0x000000008000000aUL,
    0x000000008000808bUL, 0x800000000000008bUL, 0x8000000000008089UL, 0x8000000000008003UL,
    0x8000000000008002UL, 0x8000000000000080UL, 0x000000000000800aUL, 0x800000008000000aUL,
    0x8000000080008081UL, 0x8000000000008080UL, 0x0000000080000001UL, 0x8000000080008008UL,
};

#define ROTATE(lane, bits) rotate((lane), (LANE)(bits))

// Chi on one row, written straight into the state.
#define CHI_ROW(y, b0, b1, b2, b3, b4)                                                             \
    a[(y) + 0] = (b0) ^ (~(b1) & (b2));                                                            \
    a[(y) + 1] = (b1) ^ (~(b2) & (b3));                                                            \
    a[(y) + 2] = (b2) ^ (~(b3) & (b4));                                                            \
    a[(y) + 3] = (b3) ^ (~(b4) & (b0));                                                            \
    a[(y) + 4] = (b4) ^ (~(b0) & (b1));

static inline void keccak_f1600(LANE a[25]) {
#pragma unroll 1
    for (uint round = 0; round < 24; ++round) {
        // Theta.
        const LANE c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
        const LANE c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
        const LANE c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
        const LANE c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
        const LANE c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
        const LANE d0 = c4 ^ ROTATE(c1, 1);
        const LANE d1 = c0 ^ ROTATE(c2, 1);
        const LANE d2 = c1 ^ ROTATE(c3, 1);
        const LANE d3 = c2 ^ ROTATE(c4, 1);
        const LANE d4 = c3 ^ ROTATE(c0, 1);
        // Rho and pi: the row that each rotated lane lands in.
        const LANE b00 = a[0] ^ d0, b01 = ROTATE(a[6] ^ d1, 44), b02 = ROTATE(a[12] ^ d2, 43);
        const LANE b03 = ROTATE(a[18] ^ d3, 21), b04 = ROTATE(a[24] ^ d4, 14);
        const LANE b05 = ROTATE(a[3] ^ d3, 28), b06 = ROTATE(a[9] ^ d4, 20);
        const LANE b07 = ROTATE(a[10] ^ d0, 3), b08 = ROTATE(a[16] ^ d1, 45), b09 = ROTATE(a[22] ^ d2, 61);
        const LANE b10 = ROTATE(a[1] ^ d1, 1), b11 = ROTATE(a[7] ^ d2, 6), b12 = ROTATE(a[13] ^ d3, 25);
        const LANE b13 = ROTATE(a[19] ^ d4, 8), b14 = ROTATE(a[20] ^ d0, 18);
        const LANE b15 = ROTATE(a[4] ^ d4, 27), b16 = ROTATE(a[5] ^ d0, 36), b17 = ROTATE(a[11] ^ d1, 10);
        const LANE b18 = ROTATE(a[17] ^ d2, 15), b19 = ROTATE(a[23] ^ d3, 56);
        const LANE b20 = ROTATE(a[2] ^ d2, 62), b21 = ROTATE(a[8] ^ d3, 55), b22 = ROTATE(a[14] ^ d4, 39);
        const LANE b23 = ROTATE(a[15] ^ d0, 41), b24 = ROTATE(a[21] ^ d1, 2);
        // Chi and iota.
        CHI_ROW(0, b00, b01, b02, b03, b04)
        CHI_ROW(5, b05, b06, b07, b08, b09)
        CHI_ROW(10, b10, b11, b12, b13, b14)
        CHI_ROW(15, b15, b16, b17, b18, b19)
        CHI_ROW(20, b20, b21, b22, b23, b24)
        a[0] ^= (LANE)(ROUND_CONSTANTS[round]);
    }
}

// Keccak-512 of header || nonce (40 bytes): hashimoto's seed.
static inline void keccak512_seed(ulong4 header, LANE nonce, LANE seed[8]) {
    LANE a[25];
    a[0] = (LANE)(header.s0);
    a[1] = (LANE)(header.s1);
    a[2] = (LANE)(header.s2);
    a[3] = (LANE)(header.s3);
    a[4] = nonce;
    a[5] = (LANE)(1UL);
    for (uint i = 6; i < 25; ++i)
        a[i] = (LANE)(0UL);
    a[8] = (LANE)(0x8000000000000000UL);
    keccak_f1600(a);
    for (uint i = 0; i < 8; ++i)
        seed[i] = a[i];
}

// Keccak-512 of 64 bytes, in place: both ends of a dataset item.
static inline void keccak512_row(LANE row[8]) {
    LANE a[25];
    for (uint i = 0; i < 8; ++i)
        a[i] = row[i];
    a[8] = (LANE)(0x8000000000000001UL);
    for (uint i = 9; i < 25; ++i)
        a[i] = (LANE)(0UL);
    keccak_f1600(a);
    for (uint i = 0; i < 8; ++i)
        row[i] = a[i];
}

// Keccak-256 of seed || mix hash (96 bytes): the final hash.
static inline void keccak256_final(const LANE seed[8], const LANE mix[4], LANE result[4]) {
    LANE a[25];
    for (uint i = 0; i < 8; ++i)
        a[i] = seed[i];
    for (uint i = 0; i < 4; ++i)
        a[8 + i] = mix[i];
    for (uint i = 12; i < 25; ++i)
        a[i] = (LANE)(0UL);
    a[12] = (LANE)(1UL);
    a[16] = (LANE)(0x8000000000000000UL);
    keccak_f1600(a);
    for (uint i = 0; i < 4; ++i)
        result[i] = a[i];
}
