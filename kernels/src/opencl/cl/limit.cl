// What the device's memory allows: random reads of whole pages with no hashing. Part of a program with
// ethash.cl before it. The bound for Ethash is this rate divided by ACCESSES.
//
// READ_LANES work-items read one page together, as in search_group.cl (8; 1 on a CPU device). The
// addresses come from a generator and never from what was read, so that nothing but the memory
// limits how many reads are in flight. What was read is folded together and returned, so that no read
// can be optimised away and the host can check it.

#define QUADS_PER_LANE (PAGE_QUADS / READ_LANES)

__kernel void random_reads(DATASET_KERNEL_PARAMETERS, uint pages, uint reads, uint salt, __global uint *restrict folded) {
    const uint item = (uint)get_global_id(0);
    const uint lane = item % READ_LANES;
    uint state = (item / READ_LANES + 1) * 0x9e3779b9U ^ salt;
    uint4 sum = (uint4)(0);
#pragma unroll 1
    for (uint read = 0; read < reads; read += READS_IN_FLIGHT) {
        uint4 data[READS_IN_FLIGHT][QUADS_PER_LANE];
#pragma unroll
        for (uint r = 0; r < READS_IN_FLIGHT; ++r) {
            // Numerical Recipes' generator; its high bits choose the page.
            state = state * 1664525U + 1013904223U;
            __global const uint4 *quads = page_pointer(DATASET_ARGUMENTS, high_product(state, pages));
#pragma unroll
            for (uint q = 0; q < QUADS_PER_LANE; ++q)
                data[r][q] = quads[q * READ_LANES + lane];
        }
#pragma unroll
        for (uint r = 0; r < READS_IN_FLIGHT; ++r)
#pragma unroll
            for (uint q = 0; q < QUADS_PER_LANE; ++q)
                sum ^= data[r][q];
    }
    folded[item] = sum.x ^ sum.y ^ sum.z ^ sum.w;
}
