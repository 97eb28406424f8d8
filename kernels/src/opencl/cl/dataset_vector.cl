// Dataset items for CPU devices: eight a work-item, Keccak on `ulong8`, the eight chains of cache
// reads side by side. Part of a program with ethash.cl and keccak.cl (LANE = ulong8) before it.
//
// Same parameters as dataset_item.cl; work-items past the end compute nothing, and the last one
// writes only the items that exist. Rows are read as whole `uint16`, as in search_vector.cl.

#define ITEMS 8

static inline void keccak512_rows(uint16 rows_of_words[ITEMS]) {
    uint *words = (uint *)rows_of_words;
    ulong lanes[8][ITEMS];
    ulong8 rows[8];
    for (uint i = 0; i < 8; ++i) {
        for (uint n = 0; n < ITEMS; ++n)
            lanes[i][n] = upsample(words[16 * n + 2 * i + 1], words[16 * n + 2 * i]);
        rows[i] = vload8(0, lanes[i]);
    }
    keccak512_row(rows);
    for (uint i = 0; i < 8; ++i) {
        vstore8(rows[i], 0, lanes[i]);
        for (uint n = 0; n < ITEMS; ++n) {
            words[16 * n + 2 * i] = (uint)lanes[i][n];
            words[16 * n + 2 * i + 1] = (uint)(lanes[i][n] >> 32);
        }
    }
}

__kernel void dataset_items(__global const uint16 *restrict cache, uint cache_rows, uint reciprocal,
                            __global uint16 *restrict items, ulong buffer_first, uint first, uint count) {
    if (get_global_id(0) * ITEMS >= count)
        return;
    const uint done = (uint)get_global_id(0) * ITEMS;
    const uint index = first + done;

    uint16 mix[ITEMS];
    for (uint n = 0; n < ITEMS; ++n) {
        mix[n] = cache[modulo(index + n, cache_rows, reciprocal)];
        mix[n].s0 ^= index + n;
    }
    keccak512_rows(mix);

#pragma unroll 1
    for (uint parent = 0; parent < DATASET_PARENTS; ++parent) {
        uint row[ITEMS];
#pragma unroll
        for (uint n = 0; n < ITEMS; ++n)
            row[n] = modulo(FNV((index + n) ^ parent, ((const uint *)&mix[n])[parent % 16]), cache_rows, reciprocal);
#pragma unroll
        for (uint n = 0; n < ITEMS; ++n)
            mix[n] = FNV(mix[n], cache[row[n]]);
    }
    keccak512_rows(mix);

    for (uint n = 0; n < ITEMS && done + n < count; ++n)
        items[(ulong)(index + n) - buffer_first] = mix[n];
}
