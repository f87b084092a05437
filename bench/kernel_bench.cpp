// How fast the kernels of each tier are here: decoding, one-token products and
// many-token products for each encoding, the plain product's share of the arithmetic
// peak, and attention.
//
//   kernel_bench [--workers N] [--rows R] [--cols C] [--tier NAME] [ENCODING ...]
#include "base/error.h"
#include "kernel/kernel_table.h"
#include "machine/cpu_features.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace quant;
using namespace quant::kernel;

namespace {

struct Options {
    unsigned workers = 1;
    size_t rows = 2048, cols = 4096;
    std::string tier;
    std::vector<std::string> encodings;
};

Options parse(int count, char **words) {
    Options out;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const bool has_value = word.rfind("--", 0) == 0;
        if (has_value && i + 1 == count) fail(QUANT_ERR_ARGUMENT, "{} needs a value", word);
        if (word == "--workers") out.workers = static_cast<unsigned>(std::strtoul(words[++i], nullptr, 10));
        else if (word == "--rows") out.rows = std::strtoull(words[++i], nullptr, 10);
        else if (word == "--cols") out.cols = std::strtoull(words[++i], nullptr, 10);
        else if (word == "--tier") out.tier = words[++i];
        else if (has_value) fail(QUANT_ERR_ARGUMENT, "{} is no option", word);
        else out.encodings.push_back(word);
    }
    return out;
}

/// Seconds of one call: the best of several rounds, which disturbs least on a busy machine.
template <class Body>
double seconds(Body &&body) {
    using clock = std::chrono::steady_clock;
    const auto time = [&](int calls) {
        const auto begin = clock::now();
        for (int i = 0; i < calls; ++i) body();
        return std::chrono::duration<double>(clock::now() - begin).count() / calls;
    };
    const double once = time(1);
    const int calls = std::max(1, static_cast<int>(0.01 / std::max(once, 1e-7)));
    double best = once;
    for (int round = 0; round < 7; ++round) best = std::min(best, time(calls));
    return best;
}

std::vector<float> random_floats(size_t n) {
    std::mt19937 engine(1);
    std::normal_distribution<float> normal;
    std::vector<float> out(n);
    for (float &x : out) x = normal(engine);
    return out;
}

/// Weights that repeat after 16 rows: encoding is not what is measured.
std::vector<std::byte> encode_rows(const EncodingTraits &e, size_t rows, size_t cols) {
    const size_t row_bytes = cols / e.block_weights * e.block_bytes, some = std::min<size_t>(rows, 16);
    const auto weights = random_floats(some * cols);
    std::vector<std::byte> out(rows * row_bytes);
    e.encode(weights.data(), nullptr, out.data(), some * cols / e.block_weights, QUANT_METHOD_ROUND);
    for (size_t r = some; r < rows; ++r)
        std::memcpy(&out[r * row_bytes], &out[r % some * row_bytes], row_bytes);
    return out;
}

void bench_encoding(const KernelTable &table, const EncodingTraits &e, const Options &o, WorkerPool &pool) {
    if (o.cols % e.block_weights != 0) return;
    const auto bytes = encode_rows(e, o.rows, o.cols);
    const auto matrix = PackedMatrix::pack(e, o.rows, o.cols, bytes, nullptr);
    const auto x = random_floats(512 * o.cols);
    std::vector<float> y(512 * o.rows), decoded(o.cols);
    const double weights = static_cast<double>(o.rows) * static_cast<double>(o.cols);

    const double decode = seconds([&] {
        table.decode(e)(matrix.row_bytes(0).data(), decoded.data(), o.cols / e.block_weights);
    });
    const double one = seconds([&] { kernel::matmul(table, matrix, x.data(), 1, o.cols, y.data(), o.rows, pool); });
    std::string line = fmt::format("{:7} {:7} {:11.2f} {:11.2f} {:8.2f}", table.tier, e.name,
                                   static_cast<double>(o.cols) / decode / 1e9, weights / one / 1e9,
                                   static_cast<double>(bytes.size()) / one / 1e9);
    for (const size_t tokens : {4, 32, 128, 512}) {
        if (std::strcmp(table.tier, "scalar") == 0 && tokens > 32) break; // minutes, to no purpose
        const double many = seconds(
            [&] { kernel::matmul(table, matrix, x.data(), tokens, o.cols, y.data(), o.rows, pool); });
        line += fmt::format(" {:9.1f}", 2 * weights * static_cast<double>(tokens) / many / 1e9);
    }
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

/// The micro-kernel on operands that stay in cache: what matmul could reach at most.
void bench_gemm(const KernelTable &table) {
    const size_t rows = 48, tokens = 24, k = 768;
    const auto w = random_floats(rows * k), x = random_floats(tokens * k);
    std::vector<float> y(rows * tokens);
    const double t = seconds([&] { table.gemm({w.data(), k, rows, x.data(), k, tokens, k, y.data(), rows, false}); });
    fmt::print("{:7} micro-kernel in cache: {:.1f} GFLOP/s\n", table.tier,
               2.0 * static_cast<double>(rows * tokens * k) / t / 1e9);
}

void bench_attention(const KernelTable &table, quant_encoding kv, bool whole_numbers, WorkerPool &pool) {
    constexpr size_t heads = 32, kv_heads = 8, head_dim = 64, positions = 8192, page = KvLayout::positions;
    const EncodingTraits &e = encoding_traits(kv);
    const size_t row = head_dim / e.block_weights * e.block_bytes, half = kv_heads * page * row;
    std::vector<std::byte> memory(positions / page * 2 * half);
    const auto values = random_floats(memory.size() / row * head_dim), q = random_floats(512 * heads * head_dim);
    e.encode(values.data(), nullptr, memory.data(), values.size() / e.block_weights, QUANT_METHOD_ROUND);
    std::vector<const std::byte *> pages;
    for (size_t p = 0; p < positions / page; ++p) pages.push_back(memory.data() + p * 2 * half);
    std::vector<float> out(512 * heads * head_dim);
    for (const size_t tokens : {1, 512}) {
        if (whole_numbers && tokens == 1) continue; // Few tokens always run in floats.
        const AttentionSequence sequence{pages.data(), 0, tokens, positions - tokens};
        AttentionArgs a{};
        a.q = q.data(), a.q_stride = heads * head_dim;
        a.out = out.data(), a.out_stride = heads * head_dim;
        a.sequences = {&sequence, 1};
        a.layout = {&e, &e, row, row}, a.values_at = half;
        a.heads = heads, a.kv_heads = kv_heads, a.head_dim = head_dim, a.scale = 0.125f;
        a.whole_numbers = whole_numbers;
        const double t = seconds([&] { kernel::attention(table, a, pool); });
        const double seen = static_cast<double>(positions) - static_cast<double>(tokens - 1) / 2;
        fmt::print("{:7} attention of {} tokens over {} positions in {}, {} heads of {}, {}: {:.3f} ms, {:.1f} GFLOP/s\n",
                   table.tier, tokens, positions, e.name, heads, head_dim,
                   whole_numbers ? "whole numbers" : "floats", 1e3 * t,
                   4 * seen * static_cast<double>(tokens * heads * head_dim) / t / 1e9);
    }
}

void bench(const Options &o) {
    WorkerPool pool(o.workers);
    fmt::print("{}, {} workers, {} x {} weights\n", cpu_features().brand, pool.size(), o.rows, o.cols);
    for (const KernelTable *table : available_tiers()) {
        if (!o.tier.empty() && o.tier != table->tier) continue;
        bench_gemm(*table);
        for (const quant_encoding kv : {QUANT_F16, QUANT_Q8_0, QUANT_Q4_0})
            for (const bool whole_numbers : {false, true}) bench_attention(*table, kv, whole_numbers, pool);
    }
    fmt::print("{:7} {:7} {:>11} {:>11} {:>8} {:>9} {:>9} {:>9} {:>9}\n", "tier", "type", "decode Gw/s", "1 tok Gw/s",
               "GB/s", "4 GFLOP/s", "32", "128", "512");
    for (const KernelTable *table : available_tiers()) {
        if (!o.tier.empty() && o.tier != table->tier) continue;
        for (const EncodingTraits &e : encodings())
            if (o.encodings.empty() || std::find(o.encodings.begin(), o.encodings.end(), e.name) != o.encodings.end())
                bench_encoding(*table, e, o, pool);
    }
}

} // namespace

int main(int count, char **words) {
    try {
        bench(parse(count, words));
        return 0;
    } catch (const std::exception &e) {
        fmt::print(stderr, "kernel_bench: {}\n", e.what());
        return 1;
    }
}
