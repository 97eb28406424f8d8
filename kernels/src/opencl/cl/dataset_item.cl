// Dataset items for GPUs: one item a work-item. Part of a program with ethash.cl, keccak.cl (LANE = ulong)
// and item.cl before it.

__kernel void dataset_items(__global const uint4 *restrict cache, uint cache_rows, uint reciprocal,
                            __global uint4 *restrict items, ulong buffer_first, uint first, uint count) {
    // The last group is rarely full: without this check it would write past the buffer.
    if (get_global_id(0) >= count)
        return;
    const uint index = first + (uint)get_global_id(0);
    item_t item;
    compute_item(cache, cache_rows, reciprocal, index, &item);
    // 64-bit index: an item's place may lie beyond 4 GiB.
    __global uint4 *place = items + ((ulong)index - buffer_first) * 4;
    for (uint q = 0; q < 4; ++q)
        place[q] = item.quads[q];
}
