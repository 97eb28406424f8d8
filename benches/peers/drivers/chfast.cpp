// Times chfast's ethash (PyPI sdist `ethash` 1.1.0) by its own public functions.
//
// Two things go around its public interface, both in its favour: the full dataset can be filled from a
// file (else it computes every item at its first use, which takes minutes), and can be put on huge pages.
// Compiled with -O3 against the sdist's lib/ and include/ folders.

#include "protocol.hpp"

#include <ethash/ethash.hpp>
#include <ethash/keccak.hpp>
#include <lib/ethash/ethash-internal.hpp>

#include <atomic>
#include <cstring>
#include <iostream>
#include <sstream>
#include <sys/mman.h>

namespace
{
using namespace ethash;

epoch_context_ptr light{nullptr, ethash_destroy_epoch_context};
epoch_context_full_ptr full{nullptr, ethash_destroy_epoch_context_full};
std::atomic<uint64_t> kept{0};

hash256 header_of(const std::string& text)
{
    hash256 header{};
    const auto bytes = driver::from_hex(text);
    std::memcpy(header.bytes, bytes.data(), std::min(bytes.size(), sizeof(header)));
    return header;
}

// light EPOCH: keeps that epoch's light cache; answers with its rows.
void build_light(std::istream& arguments)
{
    int epoch = 0;
    arguments >> epoch;
    light = create_epoch_context(epoch);
    if (!light)
        std::printf("no memory for the light cache of epoch %d\n", epoch);
    else
        std::printf("ok %d\n", light->light_cache_num_items);
}

// cache EPOCH SECONDS: builds light caches one after the other; the unit is a row.
void time_cache(std::istream& arguments)
{
    int epoch = 0;
    double seconds = 0;
    arguments >> epoch >> seconds;
    driver::timed(1, seconds, [&](unsigned, double until) {
        uint64_t rows = 0;
        do
        {
            const auto context = create_epoch_context(epoch);
            rows += static_cast<uint64_t>(context->light_cache_num_items);
            kept += context->light_cache[context->light_cache_num_items - 1].word64s[0];
        } while (driver::wall_seconds() < until);
        return rows;
    });
}

// hash HEADER NONCE / hash-full HEADER NONCE: the mix hash and the result.
void answer_hash(std::istream& arguments, bool over_dataset)
{
    std::string header_hex;
    uint64_t nonce = 0;
    arguments >> header_hex >> nonce;
    const hash256 header = header_of(header_hex);
    const result answer = over_dataset ? hash(*full, header, nonce) : hash(*light, header, nonce);
    std::printf("ok %s %s\n", driver::to_hex(answer.mix_hash.bytes, 32).c_str(),
        driver::to_hex(answer.final_hash.bytes, 32).c_str());
}

// light-hash THREADS SECONDS: hashes from the light cache alone.
void time_light_hash(std::istream& arguments)
{
    unsigned threads = 1;
    double seconds = 0;
    arguments >> threads >> seconds;
    driver::timed(threads, seconds, [&](unsigned thread, double until) {
        uint64_t hashes = 0;
        hash256 header{};
        do
        {
            header = hash(*light, header, (uint64_t{thread} << 40) + hashes).final_hash;
            ++hashes;
        } while (driver::wall_seconds() < until);
        kept += header.word64s[0];
        return hashes;
    });
}

// items THREADS SECONDS: computes dataset items from their start on; the unit is a 64-byte item.
void time_items(std::istream& arguments)
{
    unsigned threads = 1;
    double seconds = 0;
    arguments >> threads >> seconds;
    driver::timed(threads, seconds, [&](unsigned thread, double until) {
        const uint32_t pages = static_cast<uint32_t>(light->full_dataset_num_items);
        uint32_t page = static_cast<uint32_t>(uint64_t{pages} * thread / threads);
        uint64_t items = 0;
        do
        {
            for (int i = 0; i < 64; ++i, page = (page + 1) % pages)
                kept += calculate_dataset_item_1024(*light, page).word64s[0];
            items += 128;
        } while (driver::wall_seconds() < until);
        return items;
    });
}

// item INDEX: one 64-byte item, for checking.
void answer_item(std::istream& arguments)
{
    uint32_t index = 0;
    arguments >> index;
    const hash1024 page = calculate_dataset_item_1024(*light, index / 2);
    std::printf("ok %s\n", driver::to_hex(page.hash512s[index % 2].bytes, 64).c_str());
}

// full EPOCH PAGES: room for the dataset, on "huge" or "4k" pages.
void allocate_full(std::istream& arguments)
{
    int epoch = 0;
    std::string pages;
    arguments >> epoch >> pages;
    full = create_epoch_context_full(epoch);
    if (!full)
    {
        std::printf("no memory for the dataset of epoch %d\n", epoch);
        return;
    }
    constexpr uintptr_t huge = uintptr_t{2} << 20;
    const uintptr_t start = reinterpret_cast<uintptr_t>(full->full_dataset);
    const uintptr_t end = start + static_cast<size_t>(full->full_dataset_num_items) * sizeof(hash1024);
    const uintptr_t aligned = (start + huge - 1) & ~(huge - 1);
    madvise(reinterpret_cast<void*>(aligned), (end - aligned) & ~(huge - 1),
        pages == "huge" ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    std::printf("ok %d\n", full->full_dataset_num_items);
}

// load OFFSET PATH: fills the dataset from a file of items that begin at OFFSET.
void load_full(std::istream& arguments)
{
    long offset = 0;
    std::string path;
    arguments >> offset >> std::ws;
    std::getline(arguments, path);
    const size_t pages = static_cast<size_t>(full->full_dataset_num_items);
    FILE* file = std::fopen(path.c_str(), "rb");
    const bool is_whole = file != nullptr && std::fseek(file, offset, SEEK_SET) == 0 &&
                          std::fread(full->full_dataset, sizeof(hash1024), pages, file) == pages;
    if (file != nullptr)
        std::fclose(file);
    std::printf(is_whole ? "ok\n" : "cannot read the whole dataset from that file\n");
}

// fill THREADS: computes the whole dataset; the unit is a 64-byte item.
void time_fill(std::istream& arguments)
{
    unsigned threads = 1;
    arguments >> threads;
    const uint32_t pages = static_cast<uint32_t>(full->full_dataset_num_items);
    driver::timed(threads, 0, [&](unsigned thread, double) {
        const uint32_t first = static_cast<uint32_t>(uint64_t{pages} * thread / threads);
        const uint32_t end = static_cast<uint32_t>(uint64_t{pages} * (thread + 1) / threads);
        for (uint32_t page = first; page < end; ++page)
            full->full_dataset[page] = calculate_dataset_item_1024(*full, page);
        return uint64_t{2} * (end - first);
    });
}

// search THREADS SECONDS START HEADER: searches with a boundary that nothing meets.
void time_search(std::istream& arguments)
{
    unsigned threads = 1;
    double seconds = 0;
    uint64_t start = 0;
    std::string header_hex;
    arguments >> threads >> seconds >> start >> header_hex;
    const hash256 header = header_of(header_hex);
    driver::timed(threads, seconds, [&](unsigned thread, double until) {
        constexpr size_t chunk = 512;
        uint64_t hashes = 0;
        do
        {
            const uint64_t nonce = start + (uint64_t{thread} << 40) + hashes;
            kept += search(*full, header, hash256{}, nonce, chunk).solution_found ? 1 : 0;
            hashes += chunk;
        } while (driver::wall_seconds() < until);
        return hashes;
    });
}

// keccak256 THREADS SECONDS BYTES: digests of messages of that length.
void time_keccak(std::istream& arguments)
{
    unsigned threads = 1;
    double seconds = 0;
    size_t size = 0;
    arguments >> threads >> seconds >> size;
    driver::timed(threads, seconds, [&](unsigned thread, double until) {
        std::vector<uint8_t> messages(256 * size + 1, static_cast<uint8_t>(thread + 1));
        std::vector<hash256> digests(256);
        uint64_t hashes = 0;
        do
        {
            for (size_t i = 0; i < 256; ++i)
                digests[i] = keccak256(&messages[i * size], size);
            messages[0] ^= digests[0].bytes[0] | 1;
            hashes += 256;
        } while (driver::wall_seconds() < until);
        kept += digests[255].word64s[0];
        return hashes;
    });
}

// keccak256-of HEX: one digest, for checking ("-" is the empty message).
void answer_keccak(std::istream& arguments)
{
    std::string text;
    arguments >> text;
    const auto message = driver::from_hex(text == "-" ? "" : text);
    const hash256 digest = keccak256(message.data(), message.size());
    std::printf("ok %s\n", driver::to_hex(digest.bytes, 32).c_str());
}
}  // namespace

int main()
{
    std::string line;
    while (std::getline(std::cin, line))
    {
        std::istringstream arguments{line};
        std::string command;
        arguments >> command;
        const bool needs_light = command == "hash" || command == "light-hash" || command == "items" || command == "item";
        const bool needs_full =
            command == "load" || command == "fill" || command == "search" || command == "hash-full";
        if ((needs_light && !light) || (needs_full && !full))
            std::printf("%s before its cache or dataset exists\n", command.c_str());
        else if (command == "light") build_light(arguments);
        else if (command == "cache") time_cache(arguments);
        else if (command == "hash") answer_hash(arguments, false);
        else if (command == "hash-full") answer_hash(arguments, true);
        else if (command == "light-hash") time_light_hash(arguments);
        else if (command == "items") time_items(arguments);
        else if (command == "item") answer_item(arguments);
        else if (command == "full") allocate_full(arguments);
        else if (command == "load") load_full(arguments);
        else if (command == "fill") time_fill(arguments);
        else if (command == "search") time_search(arguments);
        else if (command == "keccak256") time_keccak(arguments);
        else if (command == "keccak256-of") answer_keccak(arguments);
        else std::printf("unknown command \"%s\"\n", command.c_str());
        std::fflush(stdout);
    }
    // The sum of results is looked at once, so that no computation of them could be left out.
    std::fprintf(stderr, "%llx\n", static_cast<unsigned long long>(kept.load()));
    return 0;
}
