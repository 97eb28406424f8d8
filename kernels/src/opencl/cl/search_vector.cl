// Search for CPU devices: eight nonces a work-item. Keccak runs on `ulong8`, one nonce a vector
// element; the mix of each nonce is two `uint16`, and the eight chains of reads are independent, so that
// the core's own reordering keeps eight pages in flight. No local memory, no barrier: on a CPU both
// cost and gain nothing. Part of a program with ethash.cl, keccak.cl (LANE = ulong8) and results.cl.
//
// The mix lies in private memory (1 KiB, always in the first cache): which word of it is needed next
// changes with every access, and an indexed load of memory is cheaper than of a register. Pages and mix are
// read as whole `uint16`, which their alignment allows; `vload16` promises none, and PoCL 3.1 makes
// eight loads and as many shuffles of it.

#define NONCES 8

__kernel void search_vector(DATASET_KERNEL_PARAMETERS, uint pages, uint reciprocal, ulong4 header, ulong4 boundary,
                            ulong start_nonce, uint nonces, __global volatile uint *results, uint slots,
                            uint solutions_wanted) {
    const uint offset = (uint)get_global_id(0) * NONCES;
    if (offset >= nonces || !wanted(results, solutions_wanted))
        return;
    atomic_add(&results[RESULT_HASHES], min((uint)NONCES, nonces - offset));

    ulong8 seed[8];
    keccak512_seed(header, start_nonce + offset + (ulong8)(0, 1, 2, 3, 4, 5, 6, 7), seed);

    // seed_words[n] is nonce n's seed: the transposed seed.
    ulong seed_lanes[8][NONCES];
    for (uint i = 0; i < 8; ++i)
        vstore8(seed[i], 0, seed_lanes[i]);
    uint16 mix[NONCES][2];
    uint first_word[NONCES];
    for (uint n = 0; n < NONCES; ++n) {
        uint *words = (uint *)mix[n];
        for (uint i = 0; i < 8; ++i) {
            words[2 * i] = (uint)seed_lanes[i][n];
            words[2 * i + 1] = (uint)(seed_lanes[i][n] >> 32);
        }
        mix[n][1] = mix[n][0];
        first_word[n] = words[0];
    }

#pragma unroll 1
    for (uint access = 0; access < ACCESSES; ++access) {
        __global const uint16 *halves[NONCES];
#pragma unroll
        for (uint n = 0; n < NONCES; ++n) {
            const uint page =
                modulo(FNV(access ^ first_word[n], ((const uint *)mix[n])[access % 32]), pages, reciprocal);
            halves[n] = (__global const uint16 *)page_pointer(DATASET_ARGUMENTS, page);
        }
#pragma unroll
        for (uint n = 0; n < NONCES; ++n) {
            mix[n][0] = FNV(mix[n][0], halves[n][0]);
            mix[n][1] = FNV(mix[n][1], halves[n][1]);
        }
    }

    ulong mix_lanes[4][NONCES];
    for (uint n = 0; n < NONCES; ++n)
        for (uint i = 0; i < 4; ++i) {
            const uint *m = (const uint *)mix[n] + 8 * i;
            const uint low = FNV(FNV(FNV(m[0], m[1]), m[2]), m[3]);
            const uint high = FNV(FNV(FNV(m[4], m[5]), m[6]), m[7]);
            mix_lanes[i][n] = upsample(high, low);
        }
    ulong8 mix_hash[4], result[4];
    for (uint i = 0; i < 4; ++i)
        mix_hash[i] = vload8(0, mix_lanes[i]);
    keccak256_final(seed, mix_hash, result);

    ulong result_lanes[4][NONCES];
    for (uint i = 0; i < 4; ++i)
        vstore8(result[i], 0, result_lanes[i]);
    for (uint n = 0; n < NONCES && offset + n < nonces; ++n) {
        ulong own_mix[4], own_result[4];
        for (uint i = 0; i < 4; ++i) {
            own_mix[i] = mix_lanes[i][n];
            own_result[i] = result_lanes[i][n];
        }
        if (meets(own_result, boundary))
            report(results, slots, offset + n, own_mix, own_result);
    }
}
