// A kernel's work, so often and no more, for programs that count instructions: what two numbers
// of calls differ by is the kernels' alone.
//
//   kernel_work                      which kernels there are
//   kernel_work TIER KERNEL CALLS
#include "base/error.h"
#include "kernel/kernel_table.h"
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

using namespace quant;
using namespace quant::kernel;

namespace {

/// Numbers from -1 to 1 in no order, the same in every run.
std::vector<float> some_floats(size_t n) {
    std::vector<float> out(n);
    uint32_t state = 1;
    for (float &x : out) {
        state = state * 1664525 + 1013904223;
        x = static_cast<float>(state >> 8) / (1 << 23) - 1;
    }
    return out;
}

/// Operands of all kernels: as large as a model of some 100 million weights has them.
struct Operands {
    static constexpr size_t rows = 48, cols = 768, tokens = 24, positions = 64, dims = 64;
    std::vector<float> w = some_floats(rows * cols), x = some_floats(tokens * cols), y = std::vector<float>(tokens * rows);
    std::vector<float> keys = some_floats(positions * dims), scores = std::vector<float>(tokens * positions);
    std::vector<float> keep = std::vector<float>(tokens, 1.0f), out = std::vector<float>(2 * pair_lanes * dims);
    WorkerPool pool{1};
    Int8Scratch scratch;
    std::vector<std::byte> encoded, panel;
    PackedMatrix matrix;
    PlaneTokens planes;
    std::vector<int32_t> numbers = std::vector<int32_t>(dims / 2 * std::max(positions, dims), 0x00210012);
    std::vector<float> factors = std::vector<float>(std::max(positions, dims), 1.0f);

    void encode(quant_encoding id) {
        const EncodingTraits &e = encoding_traits(id);
        encoded.resize(rows * cols / e.block_weights * e.block_bytes);
        e.encode(w.data(), nullptr, encoded.data(), rows * cols / e.block_weights, QUANT_METHOD_ROUND);
        matrix = PackedMatrix::pack(e, rows, cols, encoded, nullptr);
    }
};

using Work = std::function<void()>;

Work products(const KernelTable &k, Operands &o, quant_encoding id, size_t tokens, bool bytes) {
    o.encode(id);
    if (bytes && !k.of(encoding_traits(id)).expand) return nullptr;
    return [&k, &o, tokens, bytes] {
        const MatrixProduct product{&o.matrix, o.y.data(), o.rows};
        if (bytes) matmul_int8(k, {&product, 1}, o.x.data(), tokens, o.cols, o.scratch, o.pool);
        else matmul(k, o.matrix, o.x.data(), tokens, o.cols, o.y.data(), o.rows, o.pool);
    };
}

Work panels(const KernelTable &k, Operands &o, quant_encoding id, size_t tokens = 1) {
    const auto product = k.of(encoding_traits(id)).panel;
    if (!product) return nullptr;
    o.encode(id);
    const PanelShape shape = panel_shape(id);
    o.panel.resize(shape.bytes(o.cols));
    pack_panel(id, o.encoded.data(), o.encoded.size() / o.rows, panel_rows, o.cols, o.panel.data());
    o.planes.assign(shape.sums_group, o.x.data(), tokens, o.cols, o.cols);
    return [&o, product, tokens] {
        product({o.panel.data(), o.cols, panel_rows, o.planes.planes(), o.planes.plane_stride(), o.planes.scales(),
                 o.planes.sums(), o.planes.stretches(), o.planes.groups(), tokens, o.y.data(), o.rows});
    };
}

struct Kernel {
    const char *name;
    Work (*of)(const KernelTable &, Operands &); ///< None where the tier has no such kernel.
};

constexpr Kernel kernels[] = {
    {"dot", [](const KernelTable &k, Operands &o) -> Work { return [&] { k.vector.dot(o.w.data(), o.x.data(), o.cols); }; }},
    {"rms_norm", [](const KernelTable &k, Operands &o) -> Work {
        return [&] { k.vector.rms_norm(o.x.data(), o.w.data(), 1e-5f, o.y.data(), o.cols); };
    }},
    {"silu_multiply", [](const KernelTable &k, Operands &o) -> Work {
        return [&] { k.vector.silu_multiply(o.w.data(), o.x.data(), o.y.data(), o.cols); };
    }},
    {"log_sum_exp", [](const KernelTable &k, Operands &o) -> Work {
        return [&] { k.vector.log_sum_exp(o.w.data(), o.rows * o.cols); };
    }},
    {"gemm", [](const KernelTable &k, Operands &o) -> Work {
        return [&] { k.gemm({o.w.data(), o.cols, o.rows, o.x.data(), o.cols, o.tokens, o.cols, o.y.data(), o.rows, false}); };
    }},
    {"scores", [](const KernelTable &k, Operands &o) -> Work {
        return [&] {
            k.attention.scores(o.x.data(), o.tokens, o.dims, o.keys.data(), o.positions / key_lanes, o.scores.data(), o.positions);
        };
    }},
    {"exp_sum", [](const KernelTable &k, Operands &o) -> Work {
        return [&] { k.attention.exp_sum(o.scores.data(), 0, o.positions); };
    }},
    {"weighted_sum", [](const KernelTable &k, Operands &o) -> Work {
        return [&] {
            k.attention.weighted_sum(o.scores.data(), o.positions, o.keys.data(), o.dims, o.positions, o.keep.data(),
                                     o.out.data(), o.tokens, o.dims);
        };
    }},
    {"one-token-F16", [](const KernelTable &k, Operands &o) { return products(k, o, QUANT_F16, 1, false); }},
    {"one-token-Q4_K", [](const KernelTable &k, Operands &o) { return products(k, o, QUANT_Q4_K, 1, false); }},
    {"one-token-Q6_K", [](const KernelTable &k, Operands &o) { return products(k, o, QUANT_Q6_K, 1, false); }},
    {"one-token-Q8_0", [](const KernelTable &k, Operands &o) { return products(k, o, QUANT_Q8_0, 1, false); }},
    {"bytes-Q4_K", [](const KernelTable &k, Operands &o) { return products(k, o, QUANT_Q4_K, o.tokens, true); }},
    {"bytes-Q8_0", [](const KernelTable &k, Operands &o) { return products(k, o, QUANT_Q8_0, o.tokens, true); }},
    {"panel-Q4_K", [](const KernelTable &k, Operands &o) { return panels(k, o, QUANT_Q4_K); }},
    {"panel-Q6_K", [](const KernelTable &k, Operands &o) { return panels(k, o, QUANT_Q6_K); }},
    {"panel-Q8_0", [](const KernelTable &k, Operands &o) { return panels(k, o, QUANT_Q8_0); }},
    {"panel-8-tokens-Q8_0", [](const KernelTable &k, Operands &o) { return panels(k, o, QUANT_Q8_0, 8); }},
    {"pair-scores", [](const KernelTable &k, Operands &o) -> Work {
        if (!k.pairs.scores) return nullptr;
        return [&] {
            k.pairs.scores({o.numbers.data(), o.positions, o.dims / 2, o.factors.data(), o.factors.data(), o.numbers.data(),
                            o.factors.data(), 2 * pair_lanes, o.out.data()});
        };
    }},
    {"pair-values", [](const KernelTable &k, Operands &o) -> Work {
        if (!k.pairs.add_values) return nullptr;
        return [&] {
            k.pairs.add_values({o.numbers.data(), o.positions / 2, o.dims, o.numbers.data(), o.factors.data(), o.factors.data(),
                                2 * pair_lanes, o.out.data()});
        };
    }},
};

int run(const std::string &tier, const std::string &name, unsigned long calls) {
    const KernelTable &table = find_tier(tier);
    Operands operands;
    for (const Kernel &kernel : kernels) {
        if (name != kernel.name) continue;
        const Work work = kernel.of(table, operands);
        if (!work) return 77; // As tests say that they were skipped.
        for (unsigned long i = 0; i < calls; ++i) work();
        return 0;
    }
    fail(QUANT_ERR_ARGUMENT, "there is no kernel {}", name);
}

} // namespace

int main(int count, char **words) {
    try {
        if (count == 4) return run(words[1], words[2], std::strtoul(words[3], nullptr, 10));
        for (const Kernel &kernel : kernels) fmt::print("{}\n", kernel.name);
        return 0;
    } catch (const std::exception &e) {
        fmt::print(stderr, "kernel_work: {}\n", e.what());
        return 1;
    }
}
