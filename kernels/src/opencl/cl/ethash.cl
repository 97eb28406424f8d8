// What every kernel of this folder shares: the FNV-like mix, the modulo without a division, and
// where a page of the dataset lies. No kernel is here.
//
// Every size arrives by -D from `parameters.rs` and the tuning (see `source.rs`):
//   FNV_PRIME, ACCESSES, DATASET_PARENTS  Ethash's own constants
//   PAGE_QUADS                            uint4 in a page of 128 bytes: 8
//   DATASET_BUFFERS                       buffers that the dataset is split over: 1 to 4
// Source: the Ethash specification, "Main Loop".

#define FNV(a, b) (((a) * FNV_PRIME) ^ (b))

// x % divisor for any x, with reciprocal = floor((2^32 - 1) / divisor): the quotient is right or one
// too small, so one conditional subtraction is left. The subtraction wraps to a huge number when
// there was nothing to subtract, which is what `min` throws away. The high half is taken from a 64-bit
// product, which every compiler turns into one instruction; PoCL's `mul_hi` is a dozen of 16-bit steps.
static inline uint high_product(uint a, uint b) {
    return (uint)(((ulong)a * b) >> 32);
}

static inline uint modulo(uint x, uint divisor, uint reciprocal) {
    uint rest = x - high_product(x, reciprocal) * divisor;
    return min(rest, rest - divisor);
}

// The dataset as parameters. A device may allow no allocation as large as the dataset, so it may lie in up
// to four buffers of `buffer_pages` pages each; unused parameters repeat buffer 0. Only kernels say
// `restrict` (it lets NVIDIA read through the read-only path): on functions it becomes markers in the
// code that some compilers' simulators do not know.
#define DATASET_PARAMETERS_AS(POINTER)                                                             \
    POINTER dataset0, POINTER dataset1, POINTER dataset2, POINTER dataset3, uint buffer_pages
#define DATASET_KERNEL_PARAMETERS DATASET_PARAMETERS_AS(__global const uint4 *restrict)
#define DATASET_PARAMETERS DATASET_PARAMETERS_AS(__global const uint4 *)
#define DATASET_ARGUMENTS dataset0, dataset1, dataset2, dataset3, buffer_pages

// The first uint4 of a page. The index is 64 bits wide: datasets pass 4 GiB.
static inline __global const uint4 *page_pointer(DATASET_PARAMETERS, uint page) {
    __global const uint4 *base = dataset0;
#if DATASET_BUFFERS > 1
    uint buffer = 0;
    for (uint i = 1; i < DATASET_BUFFERS; ++i)
        buffer += page >= i * buffer_pages;
    page -= buffer * buffer_pages;
    base = buffer == 1 ? dataset1 : base;
#endif
#if DATASET_BUFFERS > 2
    base = buffer == 2 ? dataset2 : base;
#endif
#if DATASET_BUFFERS > 3
    base = buffer == 3 ? dataset3 : base;
#endif
    return base + (ulong)page * PAGE_QUADS;
}

// Component i of a vector. Callers unroll, so that i is a constant and this is a register.
static inline uint quad_word(uint4 quad, uint i) {
    return i == 0 ? quad.x : i == 1 ? quad.y : i == 2 ? quad.z : quad.w;
}
