// Dataset items for CPU devices: eight a work-item, Keccak on `ulong8`, the eight chains of cache
// reads side by side. Part of a program with ethash.cl and keccak.cl (LANE = ulong8) before it.
//
// Same parameters as dataset_item.cl; work-items past the end compute nothing, and the last one
// writes only the items that exist.

#define ITEMS 8

static inline void keccak512_rows(uint mix[ITEMS][16]) {
    ulong lanes[8][ITEMS];
    ulong8 rows[8];
    for (uint i = 0; i < 8; ++i) {
        for (uint n = 0; n < ITEMS; ++n)
            lanes[i][n] = upsample(mix[n][2 * i + 1], mix[n][2 * i]);
        rows[i] = vload8(0, lanes[i]);
    }
    keccak512_row(rows);
    for (uint i = 0; i < 8; ++i) {
        vstore8(rows[i], 0, lanes[i]);
        for (uint n = 0; n < ITEMS; ++n) {
            mix[n][2 * i] = (uint)lanes[i][n];
            mix[n][2 * i + 1] = (uint)(lanes[i][n] >> 32);
        }
    }
}

__kernel void dataset_items(__global const uint *restrict cache, uint cache_rows, uint reciprocal,
                            __global uint *restrict items, ulong buffer_first, uint first, uint count) {
    if (get_global_id(0) * ITEMS >= count)
        return;
    const uint done = (uint)get_global_id(0) * ITEMS;
    const uint index = first + done;

    uint mix[ITEMS][16] __attribute__((aligned(64)));
    for (uint n = 0; n < ITEMS; ++n) {
        vstore16(vload16(modulo(index + n, cache_rows, reciprocal), cache), 0, mix[n]);
        mix[n][0] ^= index + n;
    }
    keccak512_rows(mix);

#pragma unroll 1
    for (uint parent = 0; parent < DATASET_PARENTS; ++parent) {
        uint row[ITEMS];
#pragma unroll
        for (uint n = 0; n < ITEMS; ++n)
            row[n] = modulo(FNV((index + n) ^ parent, mix[n][parent % 16]), cache_rows, reciprocal);
#pragma unroll
        for (uint n = 0; n < ITEMS; ++n)
            vstore16(FNV(vload16(0, mix[n]), vload16(row[n], cache)), 0, mix[n]);
    }
    keccak512_rows(mix);

    for (uint n = 0; n < ITEMS && done + n < count; ++n)
        vstore16(vload16(0, mix[n]), (ulong)(index + n) - buffer_first, items);
}
