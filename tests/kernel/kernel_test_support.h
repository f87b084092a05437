// What the kernel tests share: replayable randomness, encoded rows with finite
// scales, and buffers that end at a page nobody may touch.
#pragma once

#include "encoding/encoding.h"
#include "encoding/float16.h"
#include "kernel/kernel_table.h"
#include "machine/cpu_features.h"
#include "machine/huge_buffer.h"
#include "test_support.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <iostream>
#include <random>

namespace quant::test {

/// The seed of this run: QUANT_TEST_SEED replays one.
inline uint64_t run_seed() {
    static const uint64_t seed = [] {
        const char *text = std::getenv("QUANT_TEST_SEED");
        const uint64_t value = text ? std::strtoull(text, nullptr, 10) : std::random_device{}();
        std::cout << "QUANT_TEST_SEED=" << value << std::endl;
        return value;
    }();
    return seed;
}

class Random {
public:
    explicit Random(uint64_t salt) : engine_(run_seed() * 1000003 + salt) {}
    size_t below(size_t n) { return engine_() % n; }
    float normal() { return static_cast<float>(normal_(engine_)); }
    float uniform(float low, float high) { return std::uniform_real_distribution<float>(low, high)(engine_); }
    std::vector<float> normals(size_t n) {
        std::vector<float> out(n);
        for (float &x : out) x = normal();
        return out;
    }
    std::byte byte() { return static_cast<std::byte>(engine_() & 255); }

private:
    std::mt19937_64 engine_;
    std::normal_distribution<double> normal_;
};

/// The tiers that are tested: all there are, or the one that QUANT_TEST_TIER names, which must
/// then be the best that this machine has. For emulated CPUs, known and slow.
inline std::span<const kernel::KernelTable *const> tiers() {
    const auto all = kernel::available_tiers();
    const char *only = std::getenv("QUANT_TEST_TIER");
    if (!only || !*only) return all;
    REQUIRE(std::string(all.back()->tier) == only);
    return all.last(1);
}

/// Tables that can be read here, and what they say of panels run: of all tiers that are available, and that of AMX
/// where only its tiles are missing.
inline std::vector<const kernel::KernelTable *> readable_tables() {
    std::vector<const kernel::KernelTable *> out(kernel::available_tiers().begin(), kernel::available_tiers().end());
#if defined(__x86_64__)
    if (cpu_features().avx512_vnni && out.back() != &kernel::amx_table()) out.push_back(&kernel::amx_table());
#endif
    return out;
}

/// Whether QUANT_ISA asks for a tier that this machine lacks: then what uses the one in use has nothing to test.
inline bool forced_tier_is_missing() {
    const char *forced = std::getenv("QUANT_ISA");
    if (!forced || !*forced) return false;
    for (const kernel::KernelTable *table : kernel::available_tiers())
        if (std::string(table->tier) == forced) return false;
    return true;
}

/// `size` elements that end exactly where an unreadable page begins and, when
/// `at_start`, begin exactly behind one. Writes and reads outside fault; only writes where
/// QUANT_TEST_READABLE_GUARDS is set, for emulators that read all of what a mask leaves out.
template <class T>
class Guarded {
public:
    explicit Guarded(size_t size, bool at_start = false) : size_(size) {
        const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
        const size_t inner = (size * sizeof(T) + page - 1) / page * page + page;
        total_ = inner + 2 * page;
        const int guard = std::getenv("QUANT_TEST_READABLE_GUARDS") ? PROT_READ : PROT_NONE;
        void *memory = ::mmap(nullptr, total_, guard, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        base_ = static_cast<std::byte *>(memory);
        REQUIRE(::mprotect(base_ + page, inner, PROT_READ | PROT_WRITE) == 0);
        data_ = at_start ? base_ + page : base_ + page + inner - size * sizeof(T);
    }
    Guarded(const std::vector<T> &values, bool at_start = false) : Guarded(values.size(), at_start) {
        if (size_) std::memcpy(data_, values.data(), size_ * sizeof(T));
    }
    ~Guarded() { ::munmap(base_, total_); }
    Guarded(const Guarded &) = delete;
    Guarded &operator=(const Guarded &) = delete;

    T *data() { return reinterpret_cast<T *>(data_); }
    T &operator[](size_t i) { return data()[i]; }
    std::vector<T> copy() { return {data(), data() + size_}; }

private:
    size_t size_, total_ = 0;
    std::byte *base_ = nullptr, *data_ = nullptr;
};

/// Random blocks whose decoded weights are all finite, by redrawing those that are not.
inline std::vector<std::byte> random_blocks(const EncodingTraits &e, size_t blocks, Random &random) {
    std::vector<std::byte> out(blocks * e.block_bytes);
    std::vector<float> decoded(e.block_weights);
    for (size_t b = 0; b < blocks; ++b)
        for (bool finite = false; !finite;) {
            for (size_t i = 0; i < e.block_bytes; ++i) out[b * e.block_bytes + i] = random.byte();
            e.decode(&out[b * e.block_bytes], decoded.data(), 1);
            finite = true;
            for (const float w : decoded) finite = finite && std::isfinite(w);
        }
    return out;
}

/// Encoded normal weights: magnitudes as models have them. Some encodings are found by a search,
/// so that of many blocks all but the first are copies of those, in no order.
inline std::vector<std::byte> normal_blocks(const EncodingTraits &e, size_t blocks, Random &random) {
    std::vector<std::byte> out(blocks * e.block_bytes);
    const size_t different = e.block_weights == 1 ? blocks : std::min<size_t>(blocks, 2560 / e.block_weights);
    const std::vector<float> weights = random.normals(different * e.block_weights);
    e.encode(weights.data(), nullptr, out.data(), different, QUANT_METHOD_ROUND);
    for (size_t b = different; b < blocks; ++b)
        std::memcpy(&out[b * e.block_bytes], &out[random.below(different) * e.block_bytes], e.block_bytes);
    return out;
}

/// The bound of ops.h: 4 n 2^-24 sum |a_i b_i|, with room for one rounding of the result.
inline double sum_bound(size_t n, double magnitude) {
    return 4.0 * static_cast<double>(n + 1) * std::ldexp(1.0, -24) * magnitude + 1e-30;
}

struct Shape {
    size_t rows, tokens, cols;
};

/// A product of random weights and activations, with strides and guard pages, against
/// double. `multiply(matrix, x, x_stride, y, y_stride)` is what is tested; `inputs(x, out)` says
/// what a token's activations count as in it. Weights are encoded ones, or whatever random
/// bytes mean, of any magnitude: then sums that floats may not hold are passed over.
template <class Multiply, class Inputs>
void check_product(const kernel::KernelTable &table, const EncodingTraits &e, const Shape &s, Random &random,
                   const Multiply &multiply, const Inputs &inputs, bool any_bytes = false) {
    INFO(table.tier << " " << e.name << " rows " << s.rows << " tokens " << s.tokens << " cols " << s.cols << " seed "
                    << run_seed());
    const size_t blocks = s.cols / e.block_weights;
    const size_t x_stride = s.cols + random.below(5), y_stride = s.rows + random.below(5);
    Guarded<std::byte> bytes(any_bytes ? random_blocks(e, s.rows * blocks, random)
                                       : normal_blocks(e, s.rows * blocks, random));
    Guarded<float> x(random.normals((s.tokens - 1) * x_stride + s.cols));
    Guarded<float> y(std::vector<float>((s.tokens - 1) * y_stride + s.rows, -7.5f));
    const auto matrix = PackedMatrix::pack(e, s.rows, s.cols, {bytes.data(), s.rows * blocks * e.block_bytes}, nullptr);
    multiply(matrix, x.data(), x_stride, y.data(), y_stride);

    std::vector<float> weights(s.cols), in(s.cols);
    for (size_t t = 0; t < s.tokens; ++t) {
        inputs(x.data() + t * x_stride, in.data());
        for (size_t r = 0; r < s.rows; ++r) {
            e.decode(matrix.row_bytes(r).data(), weights.data(), blocks);
            double exact = 0, magnitude = 0;
            for (size_t i = 0; i < s.cols; ++i) {
                const double product = static_cast<double>(weights[i]) * in[i];
                exact += product;
                magnitude += std::fabs(product);
            }
            if (any_bytes && magnitude > 1e34) continue;
            const double error = std::fabs(y[t * y_stride + r] - exact);
            if (!(error <= sum_bound(s.cols, magnitude))) {
                INFO("row " << r << " token " << t << " error " << error << " of " << magnitude);
                FAIL("outside the bound");
            }
        }
    }
    for (size_t t = 0; t + 1 < s.tokens; ++t) // gaps between output rows stay
        for (size_t i = s.rows; i < y_stride; ++i) REQUIRE(y[t * y_stride + i] == -7.5f);
}

/// With panels, in memory of their own.
inline PackedMatrix paneled(const PackedMatrix &w, WorkerPool &pool) {
    const auto memory = std::make_shared<std::vector<HugeBuffer>>();
    std::vector<std::span<std::byte>> places;
    for (size_t g = 0; g < pool.layout().groups.size(); g++) {
        memory->emplace_back(w.panel_bytes(pool.layout(), g));
        places.push_back(memory->back().bytes());
    }
    return w.with_panels(places, memory, pool);
}

/// The definition's panels are for who asks for them.
inline bool are_made(const kernel::KernelTable &table) { return table.panels_pay || kernel::tier_is_forced(); }

/// matmul_int8() with one matrix.
inline void multiply_int8(const kernel::KernelTable &table, const PackedMatrix &w, const float *x, size_t tokens,
                          size_t x_stride, float *y, size_t y_stride, Int8Scratch &scratch, WorkerPool &pool) {
    const MatrixProduct product{&w, y, y_stride};
    kernel::matmul_int8(table, {&product, 1}, x, tokens, x_stride, scratch, pool);
}

/// Products with tokens that lie one behind the other, and so do the results.
inline std::vector<float> multiply_as_bytes(const kernel::KernelTable &table, const PackedMatrix &w,
                                            const std::vector<float> &x, size_t tokens, WorkerPool &pool) {
    Int8Scratch scratch;
    std::vector<float> y(tokens * w.rows());
    multiply_int8(table, w, x.data(), tokens, w.cols(), y.data(), w.rows(), scratch, pool);
    return y;
}

} // namespace quant::test
