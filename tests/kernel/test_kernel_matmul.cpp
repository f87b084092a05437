// Matrix products of every tier and encoding against double, in odd shapes with
// strides, and the checks of packing.
#include "kernel_test_support.h"

#include <quant/status.h>

using namespace quant;
using namespace quant::kernel;
using test::Random;

namespace {

struct Shape {
    size_t rows, tokens, cols;
};

void check_product(const KernelTable &table, const EncodingTraits &e, const Shape &s, Random &random, WorkerPool &pool) {
    INFO(table.tier << " " << e.name << " rows " << s.rows << " tokens " << s.tokens << " cols " << s.cols << " seed "
                    << test::run_seed());
    const size_t blocks = s.cols / e.block_weights;
    const size_t x_stride = s.cols + random.below(5), y_stride = s.rows + random.below(5);
    test::Guarded<std::byte> bytes(test::normal_blocks(e, s.rows * blocks, random));
    const size_t x_size = (s.tokens - 1) * x_stride + s.cols, y_size = (s.tokens - 1) * y_stride + s.rows;
    test::Guarded<float> x(random.normals(x_size)), y(std::vector<float>(y_size, -7.5f));
    const auto matrix = PackedMatrix::pack(e, s.rows, s.cols, {bytes.data(), s.rows * blocks * e.block_bytes}, nullptr);
    kernel::matmul(table, matrix, x.data(), s.tokens, x_stride, y.data(), y_stride, pool);

    std::vector<float> weights(s.cols);
    for (size_t r = 0; r < s.rows; ++r) {
        e.decode(matrix.row_bytes(r).data(), weights.data(), blocks);
        for (size_t t = 0; t < s.tokens; ++t) {
            double exact = 0, magnitude = 0;
            for (size_t i = 0; i < s.cols; ++i) {
                const double product = static_cast<double>(weights[i]) * x[t * x_stride + i];
                exact += product;
                magnitude += std::fabs(product);
            }
            const double error = std::fabs(y[t * y_stride + r] - exact);
            if (!(error <= test::sum_bound(s.cols, magnitude))) {
                INFO("row " << r << " token " << t << " error " << error);
                FAIL("outside the bound");
            }
        }
    }
    for (size_t t = 0; t + 1 < s.tokens; ++t) // gaps between output rows stay
        for (size_t i = s.rows; i < y_stride; ++i) REQUIRE(y[t * y_stride + i] == -7.5f);
}

size_t some_cols(const EncodingTraits &e, Random &random) {
    if (e.block_weights == 1) return 1 + random.below(1700);
    return e.block_weights * (1 + random.below(1800 / e.block_weights));
}

} // namespace

TEST_CASE("products of all encodings on all tiers match double") {
    Random random(10);
    WorkerPool pool(3);
    for (const KernelTable *table : available_tiers())
        for (const EncodingTraits &e : encodings()) {
            for (const size_t tokens : {1, 2, 3, 5, 6, 13})
                check_product(*table, e, {1 + random.below(70), tokens, some_cols(e, random)}, random, pool);
            check_product(*table, e, {1 + random.below(150), 1, some_cols(e, random)}, random, pool);
        }
}

TEST_CASE("decode_row and empty products") {
    Random random(11);
    WorkerPool pool(2);
    const EncodingTraits &e = encoding_traits(QUANT_Q8_0);
    const auto bytes = test::normal_blocks(e, 6, random);
    const auto matrix = PackedMatrix::pack(e, 3, 64, bytes, nullptr);
    std::vector<float> expected(64), got(64);
    e.decode(bytes.data() + 2 * 68, expected.data(), 2);
    matrix.decode_row(2, got.data());
    REQUIRE(got == expected);
    float y = -1;
    quant::matmul(matrix, got.data(), 0, 64, &y, 3, pool);
    REQUIRE(y == -1);
    test::require_error(QUANT_ERR_ARGUMENT, {"empty"},
                        [&] { quant::matmul(PackedMatrix(), got.data(), 1, 64, &y, 3, pool); });
}

TEST_CASE("packing refuses sizes that disagree") {
    const EncodingTraits &e = encoding_traits(QUANT_Q4_0);
    std::vector<std::byte> bytes(18 * 4);
    test::require_error(QUANT_ERR_ARGUMENT, {"Q4_0"}, [&] { PackedMatrix::pack(e, 3, 32, bytes, nullptr); });
    test::require_error(QUANT_ERR_ARGUMENT, {}, [&] { PackedMatrix::pack(e, 1, 33, bytes, nullptr); });
    test::require_error(QUANT_ERR_ARGUMENT, {}, [&] { PackedMatrix::pack(e, UINT64_MAX, 32, bytes, nullptr); });
    REQUIRE(PackedMatrix::pack(e, 2, 64, bytes, nullptr).row_bytes(1).size() == 36);
}
