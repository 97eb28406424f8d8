// Light search: a hash from the light cache alone, every item that it reads computed when it is read; one
// nonce a work-item. Part of a program with ethash.cl, keccak.cl (LANE = ulong), results.cl and item.cl
// before it.
//
//   seed = keccak512(header, nonce)
//   64 times: a word of the mix says which page; its two items are computed and mixed in
//   keccak256(seed, mix hash); compare; report
//
// A hash computes 128 items of 256 cache rows each: thousands of times the work of a search over a dataset.
// Nothing here is worth tuning beside `compute_item`. The mix lies in private memory, since which word of it is
// needed next changes with every access; it is touched once in 512 reads of the cache.

__kernel void search_light(__global const uint4 *restrict cache, uint cache_rows, uint cache_reciprocal, uint pages,
                           uint reciprocal, ulong4 header, ulong4 boundary, ulong start_nonce, uint nonces,
                           __global volatile uint *results, uint slots, uint solutions_wanted) {
    const uint offset = (uint)get_global_id(0);
    if (offset >= nonces || !wanted(results, solutions_wanted))
        return;
    atomic_inc(&results[RESULT_HASHES]);

    ulong seed[8];
    keccak512_seed(header, start_nonce + offset, seed);
    uint mix[32];
    for (uint i = 0; i < 8; ++i) {
        mix[2 * i] = mix[16 + 2 * i] = (uint)seed[i];
        mix[2 * i + 1] = mix[17 + 2 * i] = (uint)(seed[i] >> 32);
    }
    const uint first_word = mix[0];

#pragma unroll 1
    for (uint access = 0; access < ACCESSES; ++access) {
        const uint page = modulo(FNV(access ^ first_word, mix[access % 32]), pages, reciprocal);
#pragma unroll 1
        for (uint half_page = 0; half_page < 2; ++half_page) {
            item_t item;
            compute_item(cache, cache_rows, cache_reciprocal, 2 * page + half_page, &item);
            for (uint i = 0; i < 16; ++i)
                mix[16 * half_page + i] = FNV(mix[16 * half_page + i], quad_word(item.quads[i / 4], i % 4));
        }
    }

    ulong mix_hash[4], result[4];
    for (uint i = 0; i < 4; ++i) {
        const uint *m = mix + 8 * i;
        const uint low = FNV(FNV(FNV(m[0], m[1]), m[2]), m[3]);
        const uint high = FNV(FNV(FNV(m[4], m[5]), m[6]), m[7]);
        mix_hash[i] = upsample(high, low);
    }
    keccak256_final(seed, mix_hash, result);
    if (meets(result, boundary))
        report(results, slots, offset, mix_hash, result);
}
