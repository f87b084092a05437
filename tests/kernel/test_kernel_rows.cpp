// Every encoding on every tier against the scalar reference: decoding bit for bit,
// fused dot products within the stated bound, and no byte outside the row touched.
#include "kernel_test_support.h"

using namespace quant;
using namespace quant::kernel;
using test::Guarded;
using test::Random;

namespace {

void require_same_bits(const std::vector<float> &got, const std::vector<float> &expected) {
    for (size_t i = 0; i < expected.size(); ++i)
        if (std::memcmp(&got[i], &expected[i], 4) != 0) {
            INFO("weight " << i << ": " << got[i] << " instead of " << expected[i]);
            FAIL("decoded bits differ");
        }
}

size_t some_blocks(const EncodingTraits &e, Random &random) {
    return e.block_weights == 1 ? 1 + random.below(200) : 1 + random.below(9);
}

} // namespace

TEST_CASE("every tier decodes what the reference decodes, bit for bit") {
    Random random(1);
    for (const KernelTable *table : test::tiers())
        for (const EncodingTraits &e : encodings())
            for (int round = 0; round < 40; ++round) {
                INFO(table->tier << " " << e.name << " round " << round << " seed " << test::run_seed());
                const size_t blocks = some_blocks(e, random);
                const auto bytes = test::random_blocks(e, blocks, random);
                std::vector<float> expected(blocks * e.block_weights);
                e.decode(bytes.data(), expected.data(), blocks);
                const bool at_start = random.below(2) != 0;
                Guarded<std::byte> in(bytes, at_start);
                Guarded<float> out(expected.size(), at_start);
                table->decode(e)(in.data(), out.data(), blocks);
                require_same_bits(out.copy(), expected);
            }
}

TEST_CASE("fused dot products stay within the bound of the exact sum") {
    Random random(2);
    for (const KernelTable *table : test::tiers())
        for (const EncodingTraits &e : encodings()) {
            const DotRow dot = table->of(e).dot;
            if (!dot) continue; // the reference path is tested through matmul
            for (int round = 0; round < 40; ++round) {
                INFO(table->tier << " " << e.name << " round " << round << " seed " << test::run_seed());
                const size_t blocks = some_blocks(e, random), n = blocks * e.block_weights;
                Guarded<std::byte> in(test::normal_blocks(e, blocks, random), round % 2 == 0);
                Guarded<float> x(random.normals(n), round % 2 == 0);
                std::vector<float> weights(n);
                e.decode(in.data(), weights.data(), blocks);
                double exact = 0, magnitude = 0;
                for (size_t i = 0; i < n; ++i) {
                    exact += static_cast<double>(weights[i]) * x[i];
                    magnitude += std::fabs(static_cast<double>(weights[i]) * x[i]);
                }
                REQUIRE(std::fabs(dot(in.data(), x.data(), blocks) - exact) <= test::sum_bound(n, magnitude));
            }
        }
}
