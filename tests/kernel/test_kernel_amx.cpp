// The AMX tier: products of bytes to the bit those of AVX-512 VNNI, products of floats within
// their tolerance, and whether it is chosen. Where the CPU has no AMX it is emulated.
#include "amx_test_tier.h"
#include "kernel/activations.h"
#include "kernel/amx/amx_state.h"
#include "kernel/amx/tiles.h"
#include "kernel/panel_layout.h"
#include "kernel_test_support.h"
#include "machine/tile_permission.h"

using namespace quant;
using namespace quant::kernel;
using test::Guarded;
using test::proven_tier;
using test::Random;
using test::tiles_tier;

namespace {

/// A product of bytes in parts, with codes, scales and offsets of no encoding.
struct ByteProduct {
    size_t group, x_block, rows, tokens, columns, y_stride;
    bool offsets, accumulate;
    std::vector<uint8_t> codes;
    std::vector<float> scales, offset, x, y;

    ByteProduct(size_t group_, size_t x_block_, size_t tokens_, Random &random)
        : group(group_), x_block(x_block_), rows(1 + random.below(32)), tokens(tokens_),
          columns(256 * (1 + random.below(3))), y_stride(rows + random.below(3)), offsets(random.below(2) != 0),
          accumulate(random.below(2) != 0), codes(32 * columns), x(random.normals(tokens * columns)),
          y(random.normals((tokens - 1) * y_stride + rows)) {
        for (uint8_t &c : codes) c = static_cast<uint8_t>(random.byte());
        scales = random.normals(32 * columns / group), offset = random.normals(32 * columns / group);
    }

    std::vector<float> on(const KernelTable &table, WorkerPool &pool) const {
        const size_t panels = rows > int8_lanes ? 2 : 1;
        Int8Tokens in;
        in.assign(encoding_traits(x_block == 256 ? QUANT_Q4_K : QUANT_Q8_0), group, table.int8.tile, x.data(), tokens,
                  columns, columns, pool);
        std::vector<uint8_t> laid(codes.size());
        for (size_t p = 0; p < panels; p++) {
            const size_t at = p * int8_lanes * columns;
            table.int8.interleave(codes.data() + at, columns, columns, laid.data() + at);
        }
        Guarded<float> out(y);
        table.int8.gemm({laid.data(), scales.data(), offsets ? offset.data() : nullptr, panels, rows, columns, group,
                         x_block, in.codes(), in.scales(), in.corrections(), in.sums(), columns, in.groups(), tokens,
                         out.data(), y_stride, accumulate, QUANT_Q8_0});
        return out.copy();
    }
};

bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct FloatProduct {
    size_t rows, tokens, k, w_stride, x_stride, y_stride;
    bool accumulate;
    std::vector<float> w, x, y;

    FloatProduct(size_t rows_, size_t tokens_, size_t k_, Random &random)
        : rows(rows_), tokens(tokens_), k(k_), w_stride(k + random.below(3)), x_stride(k + random.below(3)),
          y_stride(rows + random.below(3)), accumulate(random.below(2) != 0),
          w(random.normals((rows - 1) * w_stride + k)), x(random.normals((tokens - 1) * x_stride + k)),
          y(random.normals((tokens - 1) * y_stride + rows)) {}

    std::vector<float> on(const KernelTable &table) const {
        Guarded<float> weights(w), in(x), out(y);
        (table.split_gemm ? table.split_gemm : table.gemm)({weights.data(), w_stride, rows, in.data(), x_stride, tokens, k, out.data(), y_stride, accumulate});
        return out.copy();
    }

    /// The largest error, as a part of what the tolerance counts in: the sum of |w x|, and what was there.
    double error(const std::vector<float> &got) const {
        double worst = 0;
        for (size_t t = 0; t < tokens; t++)
            for (size_t r = 0; r < rows; r++) {
                const float before = accumulate ? y[t * y_stride + r] : 0;
                double exact = before, magnitude = std::fabs(before);
                for (size_t i = 0; i < k; i++) {
                    const double product = static_cast<double>(w[r * w_stride + i]) * x[t * x_stride + i];
                    exact += product, magnitude += std::fabs(product);
                }
                worst = std::max(worst, std::fabs(got[t * y_stride + r] - exact) / magnitude);
            }
        return worst;
    }
};

} // namespace

TEST_CASE("products of bytes on tiles are those of AVX-512 VNNI to the bit") {
    if (!test::amx_runs()) return;
    Random random(33);
    WorkerPool pool(1);
    constexpr size_t shapes[][2] = {{16, 32}, {16, 256}, {32, 32}, {32, 256}, {256, 256}};
    for (size_t tokens = 1; tokens <= 70; tokens++)
        for (const auto &[group, x_block] : shapes) {
            if (tokens > 34 && random.below(4) != 0) continue; // Further tiles are like earlier ones.
            const ByteProduct product(group, x_block, tokens, random);
            INFO("group " << group << " block " << x_block << " tokens " << tokens << " rows " << product.rows << " columns "
                          << product.columns << " offsets " << product.offsets << " seed " << test::run_seed());
            REQUIRE(same_bits(product.on(tiles_tier(), pool), product.on(proven_tier(), pool)));
        }
}

TEST_CASE("products with bytes of all encodings on tiles are those of AVX-512 VNNI and of the definition") {
    if (!test::amx_runs()) return;
    Random random(34);
    WorkerPool pool(3);
    Int8Scratch scratch;
    for (const EncodingTraits &e : encodings()) {
        if (!tiles_tier().of(e).expand) continue;
        const size_t unit = std::max<size_t>(e.block_weights, 64);
        for (const size_t most : {16, 70}) {
            const size_t cols = unit * (1 + random.below(1000 / unit));
            const test::Shape s{1 + random.below(70), 2 + random.below(most - 1), cols};
            std::vector<float> results[2];
            for (const KernelTable *table : {&tiles_tier(), &proven_tier()}) {
                Random same(1000 + s.rows);
                test::check_product(
                    *table, e, s, same,
                    [&](const PackedMatrix &w, const float *x, size_t x_stride, float *y, size_t y_stride) {
                        test::multiply_int8(*table, w, x, s.tokens, x_stride, y, y_stride, scratch, pool);
                        std::vector<float> &result = results[table == &proven_tier()];
                        result.assign(y, y + (s.tokens - 1) * y_stride + s.rows);
                    },
                    [&](const float *x, float *in) { round_activations(e, x, 1, s.cols, in, pool); });
            }
            INFO(e.name);
            REQUIRE(same_bits(results[0], results[1]));
        }
    }
}

TEST_CASE("products with bytes on tiles are the same bit for bit with panels and without") {
    if (!test::amx_runs()) return;
    Random random(42);
    WorkerPool pool(1);
    constexpr size_t tokens = 19, columns = 1024;
    for (const PanelLayout &layout : panel_layouts) {
        const EncodingTraits &e = encoding_traits(layout.encoding);
        const size_t rows = 1 + random.below(50);
        const auto bytes = test::normal_blocks(e, rows * columns / e.block_weights, random);
        const auto matrix = PackedMatrix::pack(e, rows, columns, bytes, nullptr);
        if (matrix.panel_bytes() == 0) continue;
        INFO(e.name << " rows " << rows << " seed " << test::run_seed());
        const auto x = random.normals(tokens * columns);
        REQUIRE(same_bits(test::multiply_as_bytes(tiles_tier(), test::paneled(matrix, pool), x, tokens, pool),
                          test::multiply_as_bytes(tiles_tier(), matrix, x, tokens, pool)));
    }
}

TEST_CASE("extreme codes do not overflow the products of bytes on tiles") {
    if (!test::amx_runs()) return;
    WorkerPool pool(1);
    for (const uint8_t code : {0, 255}) {
        Random random(35);
        ByteProduct product(256, 256, 17, random);
        product.codes.assign(product.codes.size(), code), product.x.assign(product.x.size(), -127.0f);
        REQUIRE(same_bits(product.on(tiles_tier(), pool), product.on(proven_tier(), pool)));
    }
}

TEST_CASE("products of floats on tiles are within 2^-18 of the magnitude summed") {
    if (!test::amx_runs()) return;
    Random random(36);
    double worst = 0;
    for (const size_t tokens : {32, 33, 47, 48, 49, 64, 70})
        for (const size_t rows : {16 + random.below(17), 33 + random.below(64), 97 + random.below(32)}) {
            const FloatProduct product(rows, tokens, 256 + random.below(400), random);
            INFO("rows " << rows << " tokens " << tokens << " columns " << product.k << " seed " << test::run_seed());
            const std::vector<float> got = product.on(tiles_tier());
            const double error = product.error(got);
            REQUIRE(error <= 0x1p-18);
            REQUIRE(error > product.error(product.on(proven_tier()))); // So it was on tiles.
            for (size_t t = 0; t + 1 < tokens; t++) // Gaps between rows stay.
                for (size_t i = rows; i < product.y_stride; i++)
                    REQUIRE(got[t * product.y_stride + i] == product.y[t * product.y_stride + i]);
            worst = std::max(worst, error);
        }
    std::printf("products of floats on tiles: errors up to 2^%.1f of the sum of magnitudes\n", std::log2(worst));
}

TEST_CASE("short products, of few rows or tokens, are those of AVX-512") {
    if (!test::amx_runs()) return;
    Random random(37);
    for (const auto &[rows, tokens, k] : {std::array<size_t, 3>{40, 31, 300}, {15, 40, 300}, {40, 40, 255}}) {
        const FloatProduct product(rows, tokens, k, random);
        REQUIRE(same_bits(product.on(tiles_tier()), product.on(proven_tier())));
    }
}

TEST_CASE("floats that tiles cannot split stay in range or become no number") {
    if (!test::amx_runs()) return;
    Random random(38);
    FloatProduct product(16, 32, 256, random);
    product.accumulate = false;
    const float infinity = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();
    for (const float special : {infinity, -infinity, largest, -largest, std::nanf(""), 1e-40f}) {
        product.w.assign(product.w.size(), 0), product.x.assign(product.x.size(), 0);
        product.w[5 * product.w_stride + 20] = special, product.x[7 * product.x_stride + 20] = 0.5f;
        const float got = product.on(tiles_tier())[7 * product.y_stride + 5];
        INFO(special << " became " << got);
        if (!std::isfinite(special)) REQUIRE(std::isnan(got)); // Infinity by a low part of 0.
        else REQUIRE(std::fabs(got - special / 2) <= std::fabs(special) * 0x1p-16f + 1e-37f);
    }
}

TEST_CASE("matrices of floats and of blocks times many tokens on tiles match double") {
    if (!test::amx_runs()) return;
    Random random(39);
    WorkerPool pool(3);
    for (const quant_encoding id : {QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q4_K, QUANT_IQ2_XXS})
        for (const size_t tokens : {13, 32, 45}) {
            const EncodingTraits &e = encoding_traits(id);
            const size_t more = e.block_weights == 1 ? random.below(200) : 0;
            const test::Shape s{1 + random.below(250), tokens, 256 * (1 + random.below(4)) + more};
            test::check_product(
                tiles_tier(), e, s, random,
                [&](const PackedMatrix &w, const float *x, size_t x_stride, float *y, size_t y_stride) {
                    kernel::matmul(tiles_tier(), w, x, s.tokens, x_stride, y, y_stride, pool);
                },
                [&](const float *x, float *in) { std::copy_n(x, s.cols, in); });
        }
}

TEST_CASE("no tiles are left behind, and the peak counts what it multiplies") {
    if (!test::amx_runs()) return;
    Random random(40);
    WorkerPool pool(1);
    ByteProduct(32, 32, 20, random).on(tiles_tier(), pool);
    FloatProduct(16, 32, 256, random).on(tiles_tier());
    REQUIRE(tiles_tier().int8.peak(8) == 8 * 16 * 16 * 64);
    REQUIRE(tiles_tier().bf16.peak(8) == 8 * 16 * 16 * 32);
    amx::TileShapes found;
    __asm__ volatile("sttilecfg %0" : "=m"(found) : : "memory");
    REQUIRE(found.palette == 0);
}

TEST_CASE("the AMX tier has all that AVX-512 VNNI has, and products of its own") {
    if (!test::amx_runs()) return;
    const KernelTable &tiles = tiles_tier(), &proven = proven_tier();
    for (const EncodingTraits &e : encodings()) {
        REQUIRE(tiles.of(e).decode == proven.of(e).decode);
        REQUIRE(tiles.of(e).dot == proven.of(e).dot);
        REQUIRE(tiles.of(e).expand == proven.of(e).expand);
        REQUIRE(tiles.of(e).panel == proven.of(e).panel);
        REQUIRE(!tiles.of(e).expand_panel == !proven.of(e).expand_panel);
    }
    REQUIRE(tiles.split_gemm);
    REQUIRE(tiles.int8.gemm != proven.int8.gemm);
    REQUIRE(tiles.attention.scores == proven.attention.scores);
}

TEST_CASE("AMX is chosen where it is granted and multiplies right, and otherwise it is said why not") {
    if (!test::amx_runs()) return;
    CpuFeatures cpu;
    REQUIRE(judge_amx(cpu, "", amx_table).words.empty());
    cpu.amx_tile = cpu.amx_int8 = true;
    REQUIRE_THAT(judge_amx(cpu, "", amx_table).words, Catch::Contains("bfloat16"));
    cpu.amx_bf16 = true;
    REQUIRE_THAT(judge_amx(cpu, "", amx_table).words, Catch::Contains("VNNI"));
    cpu.avx512_vnni = true;
    const AmxState refused = judge_amx(cpu, "Operation not permitted", amx_table);
    REQUIRE_FALSE(refused.usable);
    REQUIRE_THAT(refused.words, Catch::Contains("does not grant it: Operation not permitted"));
    const AmxState granted = judge_amx(cpu, "", amx_table);
    REQUIRE(granted.usable);
    REQUIRE_THAT(granted.words, Catch::Contains("tried"));
}

TEST_CASE("a system whose CPU has no tiles refuses them and says so") {
    if (cpu_features().amx_tile) return;
    REQUIRE_FALSE(request_tiles().empty());
    REQUIRE_FALSE(amx_state().usable);
    REQUIRE(amx_words().empty());
    test::require_error(QUANT_ERR_UNSUPPORTED, {"\"amx\"", "scalar"}, [] { find_tier("amx"); });
}

TEST_CASE("a tier that multiplies wrongly is found out") {
    if (!test::amx_runs()) return;
    REQUIRE(products_agree(amx_table(), avx512vnni_table()));
    KernelTable wrong = amx_table();
    wrong.int8.gemm = [](const Int8Block &b) {
        amx_table().int8.gemm(b);
        b.y[0] = std::nextafter(b.y[0], 1e30f);
    };
    REQUIRE_FALSE(products_agree(wrong, avx512vnni_table()));
    wrong = amx_table();
    wrong.split_gemm = [](const GemmBlock &b) {
        amx_table().split_gemm(b);
        b.y[b.y_stride * (b.tokens - 1)] += 1.0f;
    };
    REQUIRE_FALSE(products_agree(wrong, avx512vnni_table()));
}
