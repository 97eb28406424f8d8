// What both drivers share: one command a line on stdin, one answer a line on stdout, clocks, hex, threads.
//
// A driver stays alive for a whole run, so that its samples can alternate with those of other engines.
// Answers begin with "ok"; anything else is an error in words. Timed commands answer
// "ok <work> <wall seconds> <processor seconds of all threads>".
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <time.h>
#include <vector>

namespace driver
{
inline double wall_seconds()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double thread_cpu_seconds()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

inline std::string to_hex(const uint8_t* bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    std::string text;
    for (size_t i = 0; i < size; ++i)
    {
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

inline std::vector<uint8_t> from_hex(const std::string& text)
{
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i + 1 < text.size(); i += 2)
        bytes.push_back(static_cast<uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
    return bytes;
}

// Runs `work(thread, until)` on each thread and answers with the sum of what they did.
// `until` is a moment of wall_seconds().
inline void timed(unsigned threads, double seconds, const std::function<uint64_t(unsigned, double)>& work)
{
    std::vector<uint64_t> units(threads);
    std::vector<double> cpu(threads);
    const double start = wall_seconds();
    const auto measured = [&](unsigned thread) {
        const double before = thread_cpu_seconds();
        units[thread] = work(thread, start + seconds);
        cpu[thread] = thread_cpu_seconds() - before;
    };
    std::vector<std::thread> workers;
    for (unsigned thread = 1; thread < threads; ++thread)
        workers.emplace_back(measured, thread);
    measured(0);
    for (auto& worker : workers)
        worker.join();
    const double wall = wall_seconds() - start;
    uint64_t units_sum = 0;
    double cpu_sum = 0;
    for (unsigned thread = 0; thread < threads; ++thread)
    {
        units_sum += units[thread];
        cpu_sum += cpu[thread];
    }
    std::printf("ok %llu %.9f %.9f\n", static_cast<unsigned long long>(units_sum), wall, cpu_sum);
}
}  // namespace driver
