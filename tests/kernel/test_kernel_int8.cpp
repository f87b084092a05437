// Products with activations as bytes, on all tiers, against the definition: activations
// rounded, then multiplied exactly.
#include "kernel/activations.h"
#include "kernel_test_support.h"

#include <array>
#include <chrono>

using namespace quant;
using namespace quant::kernel;
using test::Random;

TEST_CASE("products with bytes of all encodings on all tiers are those of rounded activations") {
    Random random(12);
    WorkerPool pool(3);
    Int8Scratch scratch;
    for (const KernelTable *table : test::tiers())
        for (const EncodingTraits &e : encodings()) {
            if (e.is_float()) continue;
            const size_t unit = std::max<size_t>(e.block_weights, 32);
            for (const size_t tokens : {1, 2, 3, 6, 7, 13, 20}) {
                const bool any_bytes = random.below(2) != 0;
                const test::Shape s{1 + random.below(70), tokens, unit * (1 + random.below(2000 / unit))};
                test::check_product(
                    *table, e, s, random,
                    [&](const PackedMatrix &w, const float *x, size_t x_stride, float *y, size_t y_stride) {
                        test::multiply_int8(*table, w, x, tokens, x_stride, y, y_stride, scratch, pool);
                    },
                    [&](const float *x, float *in) { round_activations(e, x, 1, s.cols, in, pool); }, any_bytes);
            }
        }
}

TEST_CASE("several products of bytes with one x are those of each alone") {
    Random random(14);
    WorkerPool pool(3);
    Int8Scratch together, alone;
    constexpr size_t cols = 512, tokens = 19, x_stride = cols + 3;
    const auto x = random.normals(tokens * x_stride);
    // Blocks of 32 and of 256, scales of 16 and of 32 columns, and one that no tier multiplies as bytes.
    const std::array<std::pair<quant_encoding, size_t>, most_products> choices[] = {
        {{{QUANT_Q4_K, 70}, {QUANT_Q6_K, 33}, {QUANT_Q4_K, 32}, {QUANT_Q8_0, 1}}},
        {{{QUANT_Q8_0, 40}, {QUANT_F16, 5}, {QUANT_Q4_0, 64}, {QUANT_Q2_K, 31}}},
    };
    for (const KernelTable *table : test::tiers())
        for (const auto &choice : choices) {
            std::vector<std::vector<std::byte>> bytes; // Matrices read where they are.
            std::vector<PackedMatrix> matrices;
            std::vector<std::vector<float>> y, wanted;
            std::vector<MatrixProduct> products;
            for (const auto &[id, rows] : choice) {
                const EncodingTraits &e = encoding_traits(id);
                bytes.push_back(test::normal_blocks(e, rows * cols / e.block_weights, random));
                matrices.push_back(PackedMatrix::pack(e, rows, cols, bytes.back(), nullptr));
                y.emplace_back(tokens * rows), wanted.emplace_back(tokens * rows);
            }
            for (size_t i = 0; i < matrices.size(); i++) {
                const size_t rows = matrices[i].rows();
                products.push_back({&matrices[i], y[i].data(), rows});
                test::multiply_int8(*table, matrices[i], x.data(), tokens, x_stride, wanted[i].data(), rows, alone,
                                    pool);
            }
            kernel::matmul_int8(*table, products, x.data(), tokens, x_stride, together, pool);
            REQUIRE(y == wanted);
        }
}

TEST_CASE("extreme codes do not overflow the products of bytes") {
    WorkerPool pool(2);
    Int8Scratch scratch;
    const EncodingTraits &e = encoding_traits(QUANT_Q8_0);
    constexpr size_t cols = 4096, tokens = 6;
    for (const int code : {-128, 127}) {
        std::vector<std::byte> bytes(cols / 32 * 34, static_cast<std::byte>(code));
        for (size_t b = 0; b < cols / 32; b++) bytes[b * 34] = std::byte{0x00}, bytes[b * 34 + 1] = std::byte{0x3c};
        const std::vector<float> x(tokens * cols, -127.0f);
        std::vector<float> y(tokens);
        const auto matrix = PackedMatrix::pack(e, 1, cols, bytes, nullptr);
        for (const KernelTable *table : test::tiers()) {
            test::multiply_int8(*table, matrix, x.data(), tokens, cols, y.data(), 1, scratch, pool);
            for (const float v : y) REQUIRE(v == Approx(-127.0 * code * cols).epsilon(1e-6));
        }
    }
}

TEST_CASE("speed of products with bytes", "[.bench]") {
    Random random(13);
    Int8Scratch scratch;
    constexpr size_t rows = 2048, cols = 2048, tokens = 512;
    const auto x = random.normals(tokens * cols);
    std::vector<float> y(tokens * rows);
    const KernelTable &table = active_table();
    for (const EncodingTraits &e : encodings()) {
        if (e.is_float()) continue;
        const auto bytes = test::normal_blocks(e, rows * cols / e.block_weights, random);
        const auto matrix = PackedMatrix::pack(e, rows, cols, bytes, nullptr);
        double best = 1e9;
        for (int round = 0; round < 5; round++) {
            const auto start = std::chrono::steady_clock::now();
            test::multiply_int8(table, matrix, x.data(), tokens, cols, y.data(), rows, scratch, default_pool());
            best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        std::printf("%-8s %s %7.1f G products/s, %u threads\n", e.name, table.tier,
                    static_cast<double>(rows * cols * tokens) / best * 1e-9, default_pool().size());
    }
}
