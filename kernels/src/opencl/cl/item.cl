// One dataset item in one work-item, for GPUs: the mix in 16 registers. Part of a program with ethash.cl
// and keccak.cl (LANE = ulong) before it. No kernel is here.
//
// The light cache (16 MiB at epoch 0) lies in the second-level cache of recent GPUs, so a row's
// four reads of 16 bytes are bound by the first-level cache's lookups: at one line a cycle and SM an H200
// would need about 0.1 s for epoch 0. That leaves nothing to win by sharing an item between work-items.

typedef union {
    ulong lanes[8];
    uint4 quads[4];
} item_t;

static inline void compute_item(__global const uint4 *cache, uint cache_rows, uint reciprocal, uint index, item_t *item) {
    __global const uint4 *row = cache + (ulong)modulo(index, cache_rows, reciprocal) * 4;
    for (uint q = 0; q < 4; ++q)
        item->quads[q] = row[q];
    item->quads[0].x ^= index;
    keccak512_row(item->lanes);

#pragma unroll 1
    for (uint parent = 0; parent < DATASET_PARENTS; parent += 16)
#pragma unroll
        for (uint i = 0; i < 16; ++i) {
            const uint word = quad_word(item->quads[i / 4], i % 4);
            row = cache + (ulong)modulo(FNV(index ^ (parent + i), word), cache_rows, reciprocal) * 4;
#pragma unroll
            for (uint q = 0; q < 4; ++q)
                item->quads[q] = FNV(item->quads[q], row[q]);
        }
    keccak512_row(item->lanes);
}
