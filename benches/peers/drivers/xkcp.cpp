// Times XKCP's eight Keccak-p[1600] states in AVX-512 registers ("times8"), as XKCP's own AVX512 target
// builds it (12 rounds unrolled).
//
// Messages of whole lanes shorter than one block only: 40 bytes are 5 lanes. The padding is written into
// the state by vector, which is faster than XKCP's byte-wise macros: the rival gets its best.

#include "protocol.hpp"

#include <cstring>
#include <iostream>
#include <sstream>

extern "C" {
#include "KeccakP-1600-times8-SnP.h"
}

namespace
{
constexpr size_t lanes_of_rate = 17;

// Keccak-256 of eight messages that lie one after the other; digests likewise.
void keccak256_of_8(const uint8_t* messages, unsigned lanes, uint8_t* digests)
{
    KeccakP1600times8_states states;
    KeccakP1600times8_InitializeAll(&states);
    KeccakP1600times8_OverwriteLanesAll(&states, messages, lanes, lanes);
    states.A[lanes] = _mm512_set1_epi64(1);
    states.A[lanes_of_rate - 1] =
        _mm512_xor_si512(states.A[lanes_of_rate - 1], _mm512_set1_epi64(static_cast<long long>(1ULL << 63)));
    KeccakP1600times8_PermuteAll_24rounds(&states);
    KeccakP1600times8_ExtractLanesAll(&states, digests, 4, 4);
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
        if (command == "keccak256")
        {
            unsigned threads = 1;
            double seconds = 0;
            size_t size = 0;
            arguments >> threads >> seconds >> size;
            if (size % 8 != 0 || size / 8 >= lanes_of_rate)
            {
                std::printf("messages of %zu bytes are not whole lanes of one block\n", size);
                std::fflush(stdout);
                continue;
            }
            driver::timed(threads, seconds, [&](unsigned thread, double until) {
                std::vector<uint8_t> messages(256 * size + 1, static_cast<uint8_t>(thread + 1));
                std::vector<uint8_t> digests(256 * 32);
                uint64_t hashes = 0;
                do
                {
                    for (size_t i = 0; i < 256; i += 8)
                        keccak256_of_8(&messages[i * size], static_cast<unsigned>(size / 8), &digests[i * 32]);
                    messages[0] ^= digests[0] | 1;
                    hashes += 256;
                } while (driver::wall_seconds() < until);
                return hashes;
            });
        }
        else if (command == "keccak256-of")
        {
            // Eight different messages in one line; all eight digests come back.
            std::string text;
            arguments >> text;
            const auto messages = driver::from_hex(text);
            std::vector<uint8_t> digests(8 * 32);
            keccak256_of_8(messages.data(), static_cast<unsigned>(messages.size() / 64), digests.data());
            std::printf("ok %s\n", driver::to_hex(digests.data(), digests.size()).c_str());
        }
        else
            std::printf("unknown command \"%s\"\n", command.c_str());
        std::fflush(stdout);
    }
    return 0;
}
