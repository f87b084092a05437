// Weights and importance at the ends of what floats can hold.
#include "encoding_test_support.h"

#include <limits>

using namespace quant;
using namespace quant::test;

namespace {

constexpr size_t edge_cols = 512;
constexpr float largest = std::numeric_limits<float>::max();

size_t not_finite(const std::vector<float> &y) {
    return static_cast<size_t>(std::count_if(y.begin(), y.end(), [](float v) { return !std::isfinite(v); }));
}

} // namespace

TEST_CASE("zeros stay zeros") {
    const std::vector<float> x(edge_cols, 0.0f);
    for (const EncodingTraits &e : encodings())
        for (const quant_method method : {QUANT_METHOD_ROUND, QUANT_METHOD_SEARCH}) {
            INFO(e.name << ", method " << method);
            for (const float v : there_and_back(e, method, x)) REQUIRE(v == 0);
        }
}

TEST_CASE("a constant comes back nearly itself") {
    for (const float value : {1.0f, -1.0f, 0.3f, -0.02f, 1000.0f})
        for (const EncodingTraits &e : encodings()) {
            const std::vector<float> x(edge_cols, value);
            INFO(e.name << ", " << value);
            // Half a unit of the last place: 8 bits in a bfloat16, 11 in the scale of a block.
            // The scales of the 4-bit floats are coarser: powers of two, or of 3 bits.
            const double bound = e.id == QUANT_BF16    ? 0x1p-8
                                 : e.id == QUANT_MXFP4 ? 0.201
                                 : e.id == QUANT_NVFP4 ? 0.04
                                                       : 2e-3;
            REQUIRE(rmse(x, there_and_back(e, QUANT_METHOD_SEARCH, x), {}) <= bound * std::abs(value));
        }
}

TEST_CASE("finite weights of any size decode to finite weights") {
    for (const EncodingTraits &e : encodings())
        for (const float scale : {1.0f, 65504.0f, 1e5f, 1e10f, 1e30f, largest, 1e-7f, 1e-20f, 1e-38f, 1e-45f})
            for (const quant_method method : {QUANT_METHOD_ROUND, QUANT_METHOD_SEARCH, QUANT_METHOD_IMPORTANCE}) {
                auto x = samples(edge_cols, 11)[2].x; // uniform in -1 .. 1
                for (float &v : x) v *= scale;
                const auto importance = sample_importance(edge_cols, 12);
                INFO(e.name << ", scale " << scale << ", method " << method);
                const auto y = there_and_back(e, method, x, importance);
                REQUIRE(not_finite(y) == 0);
            }
}

TEST_CASE("the largest float beside the smallest") {
    std::vector<float> x(edge_cols, 1e-40f);
    for (size_t i = 0; i < edge_cols; i += 7) x[i] = i % 2 ? largest : -largest;
    for (const EncodingTraits &e : encodings()) {
        INFO(e.name);
        REQUIRE(not_finite(there_and_back(e, QUANT_METHOD_SEARCH, x)) == 0);
    }
}

TEST_CASE("importance that is zero throughout a block counts all weights alike") {
    const auto x = samples(edge_cols, 13).front().x;
    for (const EncodingTraits &e : encodings()) {
        INFO(e.name);
        const auto none = encoded(e, QUANT_METHOD_IMPORTANCE, x, std::vector<float>(edge_cols, 0.0f), 1);
        REQUIRE(rmse(x, decoded(e, none, 1, edge_cols), {}) <=
                1.001 * rmse(x, there_and_back(e, QUANT_METHOD_SEARCH, x), {}));
    }
}

TEST_CASE("importance works at any size and with zeros in it") {
    const auto x = samples(edge_cols, 14).front().x;
    const auto base = sample_importance(edge_cols, 15);
    for (const EncodingTraits &e : encodings()) {
        if (e.is_float()) continue;
        const double plain = rmse(x, there_and_back(e, QUANT_METHOD_ROUND, x), {});
        for (const float scale : {1e-44f, 1e-30f, 1.0f, 1e30f}) {
            auto importance = base;
            for (size_t i = 0; i < edge_cols; i++) importance[i] *= i % 5 == 0 ? 0 : scale;
            INFO(e.name << ", scale " << scale);
            const auto y = there_and_back(e, QUANT_METHOD_IMPORTANCE, x, importance);
            REQUIRE(not_finite(y) == 0);
            REQUIRE(rmse(x, y, {}) < 1.3 * plain);
        }
    }
}

TEST_CASE("one column that outweighs all others does not ruin them") {
    const auto x = samples(edge_cols, 16).front().x;
    std::vector<float> importance(edge_cols, 1.0f);
    importance[100] = 1e6f;
    for (const EncodingTraits &e : encodings()) {
        if (e.is_float()) continue;
        INFO(e.name);
        const auto y = there_and_back(e, QUANT_METHOD_IMPORTANCE, x, importance);
        REQUIRE(rmse(x, y, {}) < 1.5 * rmse(x, there_and_back(e, QUANT_METHOD_ROUND, x), {}));
    }
}
