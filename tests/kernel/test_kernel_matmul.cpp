// Matrix products of every tier and encoding against double, in odd shapes with
// strides, and the checks of packing.
#include "kernel_test_support.h"

#include <quant/status.h>

using namespace quant;
using namespace quant::kernel;
using test::Random;

namespace {

void check_product(const KernelTable &table, const EncodingTraits &e, const test::Shape &s, Random &random,
                   WorkerPool &pool) {
    test::check_product(
        table, e, s, random,
        [&](const PackedMatrix &w, const float *x, size_t x_stride, float *y, size_t y_stride) {
            kernel::matmul(table, w, x, s.tokens, x_stride, y, y_stride, pool);
        },
        [&](const float *x, float *in) { std::copy_n(x, s.cols, in); });
}

size_t some_cols(const EncodingTraits &e, Random &random) {
    if (e.block_weights == 1) return 1 + random.below(1700);
    return e.block_weights * (1 + random.below(1800 / e.block_weights));
}

} // namespace

TEST_CASE("products of all encodings on all tiers match double") {
    Random random(10);
    WorkerPool pool(3);
    for (const KernelTable *table : test::tiers())
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
