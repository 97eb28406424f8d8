// The bounded result buffer that both search kernels write and the host reads (`results.rs`).
//
// uint words: RESULT_COUNT solutions seen (may pass the number of slots: then the host knows that
// some are missing and searches the range again in halves), RESULT_HASHES nonces hashed,
// RESULT_ABORT set by the host while the kernel runs; then slots of RESULT_SLOT_WORDS words:
// nonce minus start, 8 words of the mix hash, 8 words of the final hash.

// The four 64-bit words of a digest as a big-endian number, most significant first.
static inline ulong big_endian(ulong word) {
    return as_ulong(as_uchar8(word).s76543210);
}

// Whether a digest is at most the boundary; exact, all 256 bits.
static inline bool meets(const ulong result[4], ulong4 boundary) {
    const ulong r0 = big_endian(result[0]), r1 = big_endian(result[1]);
    const ulong r2 = big_endian(result[2]), r3 = big_endian(result[3]);
    if (r0 != boundary.s0)
        return r0 < boundary.s0;
    if (r1 != boundary.s1)
        return r1 < boundary.s1;
    if (r2 != boundary.s2)
        return r2 < boundary.s2;
    return r3 <= boundary.s3;
}

static inline void report(__global volatile uint *results, uint slots, uint offset,
                          const ulong mix[4], const ulong result[4]) {
    const uint slot = atomic_inc(&results[RESULT_COUNT]);
    if (slot >= slots)
        return;
    __global volatile uint *words = results + RESULT_HEADER_WORDS + (ulong)slot * RESULT_SLOT_WORDS;
    words[0] = offset;
    for (uint i = 0; i < 4; ++i) {
        words[1 + 2 * i] = (uint)mix[i];
        words[2 + 2 * i] = (uint)(mix[i] >> 32);
        words[9 + 2 * i] = (uint)result[i];
        words[10 + 2 * i] = (uint)(result[i] >> 32);
    }
}

// Whether work that has not begun may still begin: nobody aborted, and too few solutions are found.
// The count is read by an atomic, since others add to it meanwhile, and not at all by searches for every
// solution. Only the host writes the abort word.
static inline bool wanted(__global volatile uint *results, uint solutions_wanted) {
    if (results[RESULT_ABORT] != 0)
        return false;
    return solutions_wanted == UINT_MAX || atomic_add(&results[RESULT_COUNT], 0u) < solutions_wanted;
}
