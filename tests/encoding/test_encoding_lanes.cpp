// Blocks are encoded in lanes beside each other: none may feel its neighbours, how many
// there are, or how large they are.
#include "encoding_test_support.h"

using namespace quant;
using namespace quant::test;

namespace {

constexpr quant_method methods[] = {QUANT_METHOD_ROUND, QUANT_METHOD_SEARCH, QUANT_METHOD_IMPORTANCE,
                                    QUANT_METHOD_FEEDBACK};

std::vector<std::byte> encode_blocks_of(const EncodingTraits &e, quant_method method, const float *x,
                                        const float *importance, size_t blocks) {
    std::vector<std::byte> out(blocks * e.block_bytes);
    const bool weighted = method == QUANT_METHOD_IMPORTANCE || method == QUANT_METHOD_FEEDBACK;
    e.encode(x, weighted ? importance : nullptr, out.data(), blocks, method);
    return out;
}

} // namespace

TEST_CASE("any number of blocks gives the bytes that each gives alone") {
    for (const EncodingTraits &e : encodings()) {
        const size_t most = 18, n = most * e.block_weights;
        const auto x = samples(n, 21)[1].x;
        const auto importance = sample_importance(n, 22);
        for (const quant_method method : methods) {
            std::vector<std::byte> alone;
            for (size_t b = 0; b < most; b++) {
                const size_t at = b * e.block_weights;
                const auto one = encode_blocks_of(e, method, x.data() + at, importance.data() + at, 1);
                alone.insert(alone.end(), one.begin(), one.end());
            }
            for (const size_t blocks : {1, 2, 3, 15, 16, 17, 18}) {
                INFO(e.name << ", method " << method << ", " << blocks << " blocks");
                const auto together = encode_blocks_of(e, method, x.data(), importance.data(), blocks);
                REQUIRE(std::equal(together.begin(), together.end(), alone.begin()));
            }
        }
    }
}

TEST_CASE("blocks of very different sizes side by side are each as good as alone") {
    for (const EncodingTraits &e : encodings()) {
        if (e.is_float()) continue;
        const size_t n = 16 * e.block_weights;
        auto x = samples(n, 23).front().x;
        for (size_t i = 0; i < n; i++) x[i] *= std::ldexp(1.0f, static_cast<int>(i / e.block_weights) * 2 - 12);
        for (const quant_method method : {QUANT_METHOD_SEARCH, QUANT_METHOD_FEEDBACK}) {
            const std::vector<float> importance(n, 2.0f);
            const auto bytes = encode_blocks_of(e, method, x.data(), importance.data(), 16);
            const auto rounded = encode_blocks_of(e, QUANT_METHOD_ROUND, x.data(), nullptr, 16);
            const auto y = decoded(e, bytes, 1, n), z = decoded(e, rounded, 1, n);
            for (size_t at = 0; at < n; at += e.block_weights) {
                INFO(e.name << ", method " << method << ", block " << at / e.block_weights);
                REQUIRE(squared_error(&x[at], &y[at], e.block_weights) <=
                        squared_error(&x[at], &z[at], e.block_weights));
            }
        }
    }
}

TEST_CASE("feedback's weights are used as they are: zeros count nothing, and nothing breaks") {
    for (const EncodingTraits &e : encodings()) {
        if (e.is_float()) continue;
        const size_t n = 16 * e.block_weights;
        const auto x = samples(n, 24).front().x;
        std::vector<float> importance(n, 1.0f);
        // Every other column counts nothing, and the last quarter nothing at all.
        for (size_t i = 0; i < n; i++)
            if (i % 2 == 1 || i >= n / 4 * 3) importance[i] = 0;
        const auto fed = decoded(e, encode_blocks_of(e, QUANT_METHOD_FEEDBACK, x.data(), importance.data(), 16), 1, n);
        const auto plain = decoded(e, encode_blocks_of(e, QUANT_METHOD_SEARCH, x.data(), nullptr, 16), 1, n);
        INFO(e.name);
        for (const float v : fed) REQUIRE(std::isfinite(v));
        // One scale for 256 weights of few levels has little to gain.
        const bool coarse = e.family == Family::ternary || e.id == QUANT_Q1_0 || e.id == QUANT_Q2_0;
        REQUIRE(rmse(x, fed, importance) <= (coarse ? 1.0 : 0.99) * rmse(x, plain, importance));
        // In a codebook the columns that count nothing share a point with those that count.
        REQUIRE(rmse(x, fed, {}) < (e.family == Family::grid ? 3 : 2) * rmse(x, plain, {}));
    }
}
