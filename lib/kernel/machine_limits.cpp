#include "kernel/machine_limits.h"

#include "encoding/cpu_clones.h"
#include "kernel/kernel_table.h"
#include "machine/huge_buffer.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

namespace quant {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t buffer_bytes = size_t{256} << 20;
constexpr int read_rounds = 5, product_rounds = 3;
constexpr size_t product_steps = 2'000'000;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A sum of all, so that nothing is left out.
QUANT_CPU_CLONES uint64_t read_all(const std::byte *p, size_t bytes) {
    constexpr size_t line = 64, far_ahead = 8192, near_ahead = 1024, step = 4 * line;
    uint64_t sums[step / sizeof(uint64_t)] = {};
    for (size_t at = 0; at + step <= bytes; at += step) {
        for (size_t i = 0; i < step; i += line) {
            __builtin_prefetch(p + at + i + far_ahead, 0, 2);
            __builtin_prefetch(p + at + i + near_ahead, 0, 3);
        }
        uint64_t words[step / sizeof(uint64_t)];
        std::memcpy(words, p + at, step);
        for (size_t i = 0; i < step / sizeof(uint64_t); i++) sums[i] += words[i];
    }
    uint64_t sum = 0;
    for (const uint64_t s : sums) sum += s;
    return sum;
}

double read_rate(const HugeBuffer &buffer, WorkerPool &pool) {
    const std::span<std::byte> all = buffer.bytes();
    const size_t share = all.size() / pool.size() / 4096 * 4096;
    pool.run([&](unsigned worker) { std::memset(all.data() + worker * share, 1, share); });
    std::vector<uint64_t> sums(pool.size());
    double best = 0;
    for (int round = 0; round < read_rounds; round++) {
        const Clock::time_point start = Clock::now();
        pool.run([&](unsigned worker) { sums[worker] += read_all(all.data() + worker * share, share); });
        best = std::max(best, static_cast<double>(share * pool.size()) / seconds_since(start));
    }
    return sums[0] != 0 ? best : 0;
}

double product_rate(size_t (*multiply)(size_t steps), WorkerPool &pool) {
    if (!multiply) return 0;
    std::vector<size_t> products(pool.size());
    double best = 0;
    for (int round = 0; round < product_rounds; round++) {
        const Clock::time_point start = Clock::now();
        pool.run([&](unsigned worker) { products[worker] = multiply(product_steps); });
        const double seconds = seconds_since(start);
        double sum = 0;
        for (const size_t p : products) sum += static_cast<double>(p);
        best = std::max(best, sum / seconds);
    }
    return best;
}

} // namespace

MachineLimits measure_machine_limits(WorkerPool &pool) {
    MachineLimits out{};
    {
        const HugeBuffer small(buffer_bytes, PageSize::small);
        out.small_page_read_bytes_per_second = read_rate(small, pool);
    }
    const HugeBuffer huge(buffer_bytes);
    out.read_bytes_per_second = std::max(read_rate(huge, pool), out.small_page_read_bytes_per_second);
    out.huge_page_share = huge.huge_share();
    out.byte_products_per_second = product_rate(kernel::active_table().int8.peak, pool);
    out.bf16_products_per_second = product_rate(kernel::active_table().bf16.peak, pool);
    return out;
}

} // namespace quant
