#include "kernel/activations.h"

#include "base/error.h"
#include "encoding/float16.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace quant {

namespace {

constexpr size_t short_block = 32, long_block = 256;

// In lanes, which the compiler makes registers of: one running maximum could not be split.
float largest_magnitude(const float *x, size_t n) {
    constexpr size_t lanes = 16;
    float largest[lanes] = {};
    for (size_t i = 0; i < n; i += lanes)
        for (size_t l = 0; l < lanes; ++l) largest[l] = std::max(largest[l], std::abs(x[i + l]));
    return *std::max_element(largest, largest + lanes);
}

void round_block(const float *x, float *y, size_t n) {
    // Where floats lie 1 apart, adding rounds to the nearest whole number, ties to even,
    // as nearbyint() does; that is a call for each number.
    constexpr float whole = 0x1.8p23f;
    const float d = largest_magnitude(x, n) / 127, inverse = d != 0 ? 1 / d : 0;
    const float stored = n == short_block ? f32_from_f16(f16_from_f32(d)) : d;
    for (size_t i = 0; i < n; ++i) y[i] = (x[i] * inverse + whole - whole) * stored;
}

} // namespace

Activations checked_activations(const quant_activations &value) {
    uint32_t number; // Reading an enumeration that holds none of its values is undefined.
    std::memcpy(&number, &value, sizeof number);
    if (number > QUANT_ACTIVATIONS_INT8)
        fail(QUANT_ERR_ARGUMENT, "activations {}: expected QUANT_ACTIVATIONS_F32 or QUANT_ACTIVATIONS_INT8", number);
    return static_cast<Activations>(number);
}

const char *activations_name(Activations activations) { return activations == Activations::int8 ? "int8" : "f32"; }

size_t activation_block(const EncodingTraits &weights) {
    return weights.block_weights == long_block ? long_block : short_block;
}

void round_activations(const EncodingTraits &weights, const float *x, size_t tokens, size_t cols, float *y,
                       WorkerPool &pool) {
    const size_t block = activation_block(weights);
    const auto round_rows = [&](size_t begin, size_t end, unsigned) {
        for (size_t at = begin * cols; at < end * cols; at += block) round_block(x + at, y + at, block);
    };
    if (tokens == 1) return round_rows(0, 1, 0);
    pool.parallel_for(tokens, 8, round_rows);
}

} // namespace quant
