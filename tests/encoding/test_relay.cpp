// From one encoding to another without a change of a weight, or not at all.
#include "encoding/group_blocks.h"
#include "encoding/relay.h"
#include "encoding/scaled_blocks.h"
#include "test_support.h"

#include <algorithm>

using namespace quant;

namespace {

constexpr size_t n = 1024;

// Weights that are quantized well.
std::vector<std::byte> blocks_of(const EncodingTraits &e, uint32_t seed) {
    std::vector<float> weights(n);
    for (float &v : weights) v = static_cast<float>(static_cast<int32_t>(seed = seed * 1664525 + 1013904223)) * 0x1p-33f;
    std::vector<std::byte> out(encoded_bytes(e, 1, n));
    e.encode(weights.data(), nullptr, out.data(), n / e.block_weights, QUANT_METHOD_SEARCH);
    return out;
}

std::vector<float> weights_of(const EncodingTraits &e, const std::vector<std::byte> &blocks) {
    std::vector<float> out(n);
    e.decode(blocks.data(), out.data(), n / e.block_weights);
    return out;
}

bool relays(const EncodingTraits &from, const std::vector<std::byte> &blocks, quant_encoding to_id) {
    const EncodingTraits &to = encoding_traits(to_id);
    std::vector<std::byte> out(encoded_bytes(to, 1, n));
    if (!relay(from, blocks.data(), to, out.data(), n)) return false;
    REQUIRE(weights_of(from, blocks) == weights_of(to, out));
    return true;
}

} // namespace

TEST_CASE("encodings of one grid are laid out again") {
    const std::pair<quant_encoding, quant_encoding> pairs[] = {
        {QUANT_Q4_0, QUANT_INT4_G32},     {QUANT_Q4_0, QUANT_Q8_0},        {QUANT_Q4_0, QUANT_Q5_0},      {QUANT_Q4_0, QUANT_INT8_G32},
        {QUANT_Q8_0, QUANT_INT8_G32},     {QUANT_Q4_1, QUANT_AFFINE4_G32}, {QUANT_Q5_1, QUANT_AFFINE5_G32}, {QUANT_AFFINE4_G32, QUANT_Q4_1},
        {QUANT_AFFINE4_G128, QUANT_Q4_1}, {QUANT_INT4_G128, QUANT_INT4_G32}, {QUANT_INT4_G64, QUANT_INT8_G32}, {QUANT_Q4_1, QUANT_Q5_1},
        {QUANT_INT2_G64, QUANT_Q4_0},     {QUANT_Q6_K, QUANT_F32},       {QUANT_INT4_G128, QUANT_Q8_0},
    };
    for (const auto &[from, to] : pairs) {
        INFO(encoding_traits(from).name << " to " << encoding_traits(to).name);
        CHECK(relays(encoding_traits(from), blocks_of(encoding_traits(from), 7), to));
    }
    const EncodingTraits &symmetric = *symmetric_encoding(QUANT_INT4_G128);
    CHECK(relays(symmetric, blocks_of(symmetric, 3), QUANT_Q4_0));
    CHECK(relays(symmetric, blocks_of(symmetric, 3), QUANT_Q4_1));
}

TEST_CASE("what another encoding cannot say is not laid out again") {
    CHECK_FALSE(relays(encoding_traits(QUANT_Q8_0), blocks_of(encoding_traits(QUANT_Q8_0), 1), QUANT_Q4_0)); // Codes too wide.
    CHECK_FALSE(relays(encoding_traits(QUANT_INT4_G32), blocks_of(encoding_traits(QUANT_INT4_G32), 1), QUANT_INT4_G64)); // Scales differ.
    CHECK_FALSE(relays(encoding_traits(QUANT_AFFINE4_G32), blocks_of(encoding_traits(QUANT_AFFINE4_G32), 1), QUANT_Q4_0)); // No whole zero point.
    CHECK_FALSE(may_relay(encoding_traits(QUANT_Q4_K), encoding_traits(QUANT_Q4_0)));
    CHECK_FALSE(may_relay(encoding_traits(QUANT_Q4_0), encoding_traits(QUANT_F16)));
    CHECK_FALSE(may_relay(encoding_traits(QUANT_F32), encoding_traits(QUANT_Q4_0)));
    // Not a whole number of blocks.
    std::vector<std::byte> out(4096);
    CHECK_FALSE(relay(encoding_traits(QUANT_INT4_G32), blocks_of(encoding_traits(QUANT_INT4_G32), 1).data(),
                      encoding_traits(QUANT_INT4_G128), out.data(), 96));
}

TEST_CASE("zero points between ends move, where the codes leave room") {
    const EncodingTraits &from = encoding_traits(QUANT_INT4_G32);
    const GroupForm form = group_form(from.id);
    std::vector<std::byte> blocks(encoded_bytes(from, 1, n));
    std::array<uint8_t, 32> codes;
    const auto fill = [&](uint8_t low, uint8_t high, float zero) {
        for (size_t i = 0; i < codes.size(); i++) codes[i] = static_cast<uint8_t>(low + i % (high - low + 1u));
        for (size_t b = 0; b < n / 32; b++) store_group(form, 0.125f, zero, codes.data(), blocks.data() + b * from.block_bytes);
    };
    fill(0, 10, 5); // -5 .. 5: Q4_0 has -8 .. 7.
    CHECK(relays(from, blocks, QUANT_Q4_0));
    fill(0, 15, 3); // -3 .. 12.
    CHECK_FALSE(relays(from, blocks, QUANT_Q4_0));
    CHECK(relays(from, blocks, QUANT_Q5_0));
    CHECK(relays(from, blocks, QUANT_Q4_1));
    fill(0, 15, 2.5f); // A zero point that is not whole.
    CHECK_FALSE(relays(from, blocks, QUANT_Q8_0));
}

TEST_CASE("ternary blocks are laid out again where their scale is a half") {
    const EncodingTraits &from = encoding_traits(QUANT_TQ2_G128);
    std::array<uint8_t, 128> codes;
    for (size_t i = 0; i < codes.size(); i++) codes[i] = static_cast<uint8_t>(i * 7 % 3);
    std::vector<std::byte> blocks(encoded_bytes(from, 1, n));
    const auto fill = [&](float d) {
        for (size_t b = 0; b < n / 128; b++) store_scaled(from, d, codes.data(), blocks.data() + b * from.block_bytes);
    };
    fill(0.0625f);
    CHECK(relays(from, blocks, QUANT_TQ2_0));
    CHECK(relays(from, blocks, QUANT_TQ1_0));
    fill(1.0f / 3);
    CHECK_FALSE(relays(from, blocks, QUANT_TQ2_0));
}
