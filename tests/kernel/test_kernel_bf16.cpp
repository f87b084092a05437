// Products of bfloat16 against double, in odd shapes with strides; and how activations are rounded.
#include "kernel_test_support.h"

#include <limits>

using namespace quant;
using namespace quant::kernel;
using test::Guarded;
using test::Random;

namespace {

std::vector<const KernelTable *> bf16_tiers() {
    std::vector<const KernelTable *> out;
    for (const KernelTable *table : test::tiers())
        if (table->bf16.gemm) out.push_back(table);
    if (out.empty()) WARN("this CPU multiplies no bfloat16: not tested");
    return out;
}

float of_bf16(uint16_t bits) {
    const uint32_t wide = uint32_t{bits} << 16;
    float out;
    std::memcpy(&out, &wide, sizeof out);
    return out;
}

/// The definition: to the nearest, ties to even; of normal and infinite numbers.
uint16_t nearest(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

} // namespace

TEST_CASE("activations are rounded to the nearest bfloat16, ties to even, and nothing is written behind them") {
    Random random(60);
    for (const KernelTable *table : bf16_tiers())
        for (size_t n = 1; n < 70; n++) {
            Guarded<float> in(random.normals(n));
            in[0] = n % 2 ? 1 + 0x1p-8f : 1 + 3 * 0x1p-8f; // Half way.
            if (n > 1) in[1] = std::numeric_limits<float>::max();
            if (n > 2) in[2] = -std::numeric_limits<float>::infinity();
            Guarded<uint16_t> out(n);
            table->bf16.round(in.data(), n, out.data());
            for (size_t i = 0; i < n; i++) REQUIRE(out[i] == nearest(in[i]));
            in[n - 1] = std::numeric_limits<float>::quiet_NaN();
            table->bf16.round(in.data(), n, out.data());
            REQUIRE(std::isnan(of_bf16(out[n - 1])));
        }
}

TEST_CASE("products of bfloat16 match double") {
    Random random(61);
    WorkerPool pool(3);
    Bf16Scratch scratch;
    const EncodingTraits &e = encoding_traits(QUANT_BF16);
    for (const KernelTable *table : bf16_tiers())
        for (const size_t tokens : {2, 3, 5, 6, 13, 30}) {
            const size_t rows = 1 + random.below(300), cols = 1 + random.below(2500);
            const size_t x_stride = cols + random.below(3), y_stride = rows + random.below(3);
            Guarded<std::byte> bytes(test::normal_blocks(e, rows * cols, random));
            Guarded<float> x(random.normals((tokens - 1) * x_stride + cols)), y((tokens - 1) * y_stride + rows);
            const auto w = PackedMatrix::pack(e, rows, cols, {bytes.data(), rows * cols * 2}, nullptr);
            REQUIRE(multiplies_bf16(*table, w));
            matmul_bf16(*table, w, x.data(), tokens, x_stride, y.data(), y_stride, scratch, pool);
            std::vector<float> row(cols);
            for (size_t r = 0; r < rows; r++) {
                w.decode_row(r, row.data());
                for (size_t t = 0; t < tokens; t++) {
                    double exact = 0, magnitude = 0;
                    for (size_t i = 0; i < cols; i++) {
                        const double product = static_cast<double>(row[i]) * of_bf16(nearest(x[t * x_stride + i]));
                        exact += product, magnitude += std::fabs(product);
                    }
                    INFO(rows << " rows, " << cols << " columns, " << tokens << " tokens");
                    REQUIRE(std::fabs(y[t * y_stride + r] - exact) <= test::sum_bound(cols, magnitude));
                }
            }
        }
}

TEST_CASE("products of bfloat16 are those of weights in BF16 only, and the peak counts what it multiplies") {
    Random random(62);
    WorkerPool pool(1);
    Bf16Scratch scratch;
    const auto bytes = test::normal_blocks(encoding_traits(QUANT_F16), 64, random);
    const auto halves = PackedMatrix::pack(encoding_traits(QUANT_F16), 2, 32, bytes, nullptr);
    std::vector<float> x(64), y(4);
    for (const KernelTable *table : test::tiers()) {
        REQUIRE(!multiplies_bf16(*table, halves));
        test::require_error(QUANT_ERR_ARGUMENT, {"F16"},
                            [&] { matmul_bf16(*table, halves, x.data(), 2, 32, y.data(), 2, scratch, pool); });
    }
    for (const KernelTable *table : bf16_tiers()) REQUIRE(table->bf16.peak(10) % (10 * 32) == 0);
}
