// Search for GPUs: LANES work-items share each hash, so that a page of 128 bytes is one coalesced
// read. Part of a program with ethash.cl, keccak.cl (LANE = ulong) and results.cl before it.
//
//   each work-item: seed = keccak512(header, its own nonce), put into local memory
//   for every IN_FLIGHT of the LANES nonces that LANES work-items own together:
//       64 times: the lane that holds word (access mod 32) of the mix computes the page and tells
//                 the others; every lane reads its 16 bytes (or 2, 4, 8 x 16) and mixes them
//       each lane folds its part of the mix into words of the mix hash, put into local memory
//   each work-item: keccak256(seed, mix hash) of its own nonce; compare; report
//
// 1. A lane's k-th read is quad k * LANES + lane of the page: with 8 lanes one instruction reads 128
//    consecutive bytes, with 4 lanes two instructions read 64 consecutive bytes each. Sectors of 32
//    bytes are always used whole.
// 2. The reads of IN_FLIGHT hashes are issued back to back before the first is used. On an H200
//    (132 SMs, 4.8 TB/s) with 1,024 work-items a SM, 8 lanes and IN_FLIGHT 4 that is 64 bytes a work-item:
//    132 x 1,024 x 64 B = 8.7 MB in flight. At a loaded latency near 1 microsecond, 4.8 MB keep
//    the memory busy, so that half of the work-items may be in their Keccak at any time.
// 3. No Keccak state lives across the loop over the pages: the 64 bytes of the seed wait in local
//    memory. What is live is 4 registers of mix and 4 of data for each hash in flight (8 lanes).
// 4. Sharing through local memory costs one barrier an access, not two: two slots alternate, and a slot
//    is written again only behind a barrier that all of its readers have passed. It must be `barrier`: a
//    fence orders one work-item's own accesses and lets the others read too early.
// 5. EXCHANGE_SHUFFLE and EXCHANGE_PTX share through the registers of a sub-group instead.
// 6. Local memory is laid out word-major ([word][hash]), so that neighbours use different banks.
// 7. Groups look at the result header before they start: an abort, or enough solutions, ends a launch
//    within one group's time. One work-item looks and tells the group: if each looked for itself, some
//    could leave while others wait at a barrier.

#define QUADS_PER_LANE (PAGE_QUADS / LANES)

#if EXCHANGE == EXCHANGE_SHUFFLE
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#pragma OPENCL EXTENSION cl_khr_subgroup_shuffle : enable
static inline uint shuffle_lane(uint value, uint owner) {
    return sub_group_shuffle(value, (get_sub_group_local_id() & ~(uint)(LANES - 1)) + owner);
}
#elif EXCHANGE == EXCHANGE_PTX
// Segments of LANES threads within the warp: bits 8-12 are the mask of the segment's number, bits
// 0-4 the highest lane (PTX ISA, shfl.sync).
static inline uint shuffle_lane(uint value, uint owner) {
    uint result;
    __asm__ volatile("shfl.sync.idx.b32 %0, %1, %2, %3, 0xffffffff;"
                     : "=r"(result)
                     : "r"(value), "r"(owner), "r"(((32 - LANES) << 8) | 0x1f));
    return result;
}
#endif

// Gives every lane of a hash the `owner` lane's pages.
static inline void share(uint page[IN_FLIGHT], uint lane, uint owner, __local uint *slot) {
#if LANES > 1 && EXCHANGE == EXCHANGE_LOCAL
    if (lane == owner) {
#pragma unroll
        for (uint p = 0; p < IN_FLIGHT; ++p)
            slot[p] = page[p];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (uint p = 0; p < IN_FLIGHT; ++p)
        page[p] = slot[p];
#elif LANES > 1
#pragma unroll
    for (uint p = 0; p < IN_FLIGHT; ++p)
        page[p] = shuffle_lane(page[p], owner);
#endif
}

// Four accesses in a row, whose mix words are the four words of quad `k` of lane `owner`.
static inline void mix_quad(DATASET_PARAMETERS, uint pages, uint reciprocal, uint4 mix[IN_FLIGHT][QUADS_PER_LANE],
                            const uint first_word[IN_FLIGHT], uint access, uint lane, uint owner, uint k,
                            __local uint *even_slot, __local uint *odd_slot) {
#pragma unroll
    for (uint i = 0; i < 4; ++i) {
        uint page[IN_FLIGHT];
#pragma unroll
        for (uint p = 0; p < IN_FLIGHT; ++p)
            page[p] = modulo(FNV((access + i) ^ first_word[p], quad_word(mix[p][k], i)), pages, reciprocal);
        share(page, lane, owner, i % 2 == 0 ? even_slot : odd_slot);
        uint4 data[IN_FLIGHT][QUADS_PER_LANE];
#pragma unroll
        for (uint p = 0; p < IN_FLIGHT; ++p) {
            __global const uint4 *quads = page_pointer(DATASET_ARGUMENTS, page[p]);
#pragma unroll
            for (uint q = 0; q < QUADS_PER_LANE; ++q)
                data[p][q] = quads[q * LANES + lane];
        }
#pragma unroll
        for (uint p = 0; p < IN_FLIGHT; ++p)
#pragma unroll
            for (uint q = 0; q < QUADS_PER_LANE; ++q)
                mix[p][q] = FNV(mix[p][q], data[p][q]);
    }
}

__kernel __attribute__((reqd_work_group_size(WORK_GROUP, 1, 1))) void
search_group(DATASET_KERNEL_PARAMETERS, uint pages, uint reciprocal, ulong4 header, ulong4 boundary, ulong start_nonce,
             uint nonces, __global volatile uint *results, uint slots, uint solutions_wanted) {
    __local uint4 seeds[4 * WORK_GROUP];
    __local uint mix_hashes[8 * WORK_GROUP];
    __local uint even_slots[WORK_GROUP / LANES * IN_FLIGHT], odd_slots[WORK_GROUP / LANES * IN_FLIGHT];
    __local uint group_is_wanted;
    const uint item = (uint)get_local_id(0);
    const uint offset = (uint)get_global_id(0);
    const uint lane = item % LANES;
    const uint first_hash = item - lane;

    if (item == 0) {
        group_is_wanted = wanted(results, solutions_wanted);
        if (group_is_wanted)
            atomic_add(&results[RESULT_HASHES], min((uint)WORK_GROUP, nonces - offset));
    }
    {
        ulong seed[8];
        keccak512_seed(header, start_nonce + offset, seed);
        for (uint i = 0; i < 4; ++i)
            seeds[i * WORK_GROUP + item] = as_uint4((ulong2)(seed[2 * i], seed[2 * i + 1]));
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (!group_is_wanted)
        return;

    __local uint *even_slot = even_slots + first_hash / LANES * IN_FLIGHT;
    __local uint *odd_slot = odd_slots + first_hash / LANES * IN_FLIGHT;
#pragma unroll 1
    for (uint turn = 0; turn < LANES; turn += IN_FLIGHT) {
        uint4 mix[IN_FLIGHT][QUADS_PER_LANE];
        uint first_word[IN_FLIGHT];
#pragma unroll
        for (uint p = 0; p < IN_FLIGHT; ++p) {
            const uint hash = first_hash + turn + p;
            first_word[p] = seeds[hash].x;
#pragma unroll
            for (uint q = 0; q < QUADS_PER_LANE; ++q)
                mix[p][q] = seeds[(q * LANES + lane) % 4 * WORK_GROUP + hash];
        }
#pragma unroll 1
        for (uint pass = 0; pass < ACCESSES; pass += 4 * PAGE_QUADS)
#pragma unroll
            for (uint k = 0; k < QUADS_PER_LANE; ++k)
#pragma unroll 1
                for (uint owner = 0; owner < LANES; ++owner)
                    mix_quad(DATASET_ARGUMENTS, pages, reciprocal, mix, first_word,
                             pass + 4 * (k * LANES + owner), lane, owner, k, even_slot, odd_slot);
#pragma unroll
        for (uint p = 0; p < IN_FLIGHT; ++p)
#pragma unroll
            for (uint q = 0; q < QUADS_PER_LANE; ++q) {
                const uint4 m = mix[p][q];
                mix_hashes[(q * LANES + lane) * WORK_GROUP + first_hash + turn + p] =
                    FNV(FNV(FNV(m.x, m.y), m.z), m.w);
            }
    }
    barrier(CLK_LOCAL_MEM_FENCE);

    ulong seed[8], mix[4], result[4];
    for (uint i = 0; i < 4; ++i) {
        const ulong2 pair = as_ulong2(seeds[i * WORK_GROUP + item]);
        seed[2 * i] = pair.x;
        seed[2 * i + 1] = pair.y;
        mix[i] = upsample(mix_hashes[(2 * i + 1) * WORK_GROUP + item], mix_hashes[2 * i * WORK_GROUP + item]);
    }
    keccak256_final(seed, mix, result);
    if (offset < nonces && meets(result, boundary))
        report(results, slots, offset, mix, result);
}
