// Rounding of activations, on values worked out by hand and on random ones.
#include "kernel/activations.h"
#include "kernel_test_support.h"

using namespace quant;
using test::Random;

namespace {

std::vector<float> rounded(const char *weights, const std::vector<float> &x, size_t tokens) {
    std::vector<float> y(x.size());
    round_activations(*find_encoding(weights), x.data(), tokens, x.size() / tokens, y.data(), default_pool());
    return y;
}

} // namespace

TEST_CASE("activations share a scale over as many as the weights' blocks have") {
    std::vector<float> x(512);
    x[0] = 127, x[1] = 2.5f, x[2] = -3.4f, x[255] = 0.4f, x[256] = 0.4f;
    const auto y = rounded("Q4_K", x, 1);
    REQUIRE(y[0] == 127);
    REQUIRE(y[1] == 2);
    REQUIRE(y[2] == -3);
    REQUIRE(y[255] == 0);    // In the block of the 127.
    REQUIRE(y[256] == 0.4f); // In a block of its own.
    const auto z = rounded("Q5_0", x, 2);
    REQUIRE(z[2] == -3);
    REQUIRE(z[255] == f32_from_f16(f16_from_f32(0.4f / 127)) * 127);
    REQUIRE(z[100] == 0);
}

TEST_CASE("the scale of short blocks is a float16, that of long ones is not") {
    std::vector<float> x(256, 1.0f);
    REQUIRE(rounded("Q8_0", x, 1)[0] == 127 * f32_from_f16(f16_from_f32(1.0f / 127)));
    REQUIRE(rounded("Q6_K", x, 1)[0] == 127 * (1.0f / 127));
}

TEST_CASE("activations move by half a step at most") {
    Random random(11);
    for (const char *weights : {"Q4_0", "Q4_1", "IQ4_NL", "Q2_K", "IQ4_XS"}) {
        const auto x = random.normals(7 * 512);
        const auto y = rounded(weights, x, 7);
        const size_t block = activation_block(*find_encoding(weights));
        for (size_t at = 0; at < x.size(); at += block) {
            float largest = 0;
            for (size_t i = at; i < at + block; ++i) largest = std::max(largest, std::fabs(x[i]));
            for (size_t i = at; i < at + block; ++i)
                REQUIRE(std::fabs(x[i] - y[i]) <= largest / 127 * 0.5f + largest * 0x1p-11f);
        }
    }
}

TEST_CASE("rounding goes to the nearest, ties to even, for every value between steps") {
    std::vector<float> x(256);
    x[0] = 127;
    for (size_t i = 1; i < 256; ++i) x[i] = static_cast<float>(static_cast<int>(i) - 128) * 0.5f;
    const auto y = rounded("Q4_K", x, 1);
    for (size_t i = 1; i < 256; ++i) REQUIRE(y[i] == std::nearbyint(x[i]));
}

TEST_CASE("a number that names no rounding is refused") {
    REQUIRE(checked_activations(QUANT_ACTIVATIONS_INT8) == Activations::int8);
    test::require_error(QUANT_ERR_ARGUMENT, {"activations 2"}, [] { checked_activations(static_cast<quant_activations>(2)); });
}
