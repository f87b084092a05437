#include "kernel/activations.h"

#include "base/error.h"
#include "encoding/code_lanes.h"
#include "encoding/cpu_clones.h"
#include "encoding/float16.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace quant {

namespace {

constexpr size_t short_block = 32, long_block = most_activation_block;

// In lanes: one running maximum could not be split. NaN is passed over.
inline float largest_magnitude(const float *x, size_t n) {
    WeightLanes largest = {};
    for (size_t i = 0; i < n; i += code_lanes) {
        const WeightLanes v = load_lanes(x + i), size = v < 0 ? -v : v;
        largest = size > largest ? size : largest;
    }
    float most = 0;
    for (size_t l = 0; l < code_lanes; ++l) most = std::max(most, largest[l]);
    return most;
}

// Where floats lie 1 apart, adding rounds to the nearest whole number, ties to even,
// as nearbyint() does; that is a call for each number.
constexpr float whole = 0x1.8p23f;

struct BlockScale {
    float inverse, stored;

    BlockScale(const float *x, size_t n) {
        const float d = largest_magnitude(x, n) / 127;
        inverse = d != 0 ? 1 / d : 0;
        stored = n == short_block ? f32_from_f16(f16_from_f32(d)) : d;
    }
};

QUANT_CPU_CLONES void round_block(const float *x, float *y, size_t n) {
    const BlockScale scale(x, n);
    for (size_t i = 0; i < n; ++i) y[i] = (x[i] * scale.inverse + whole - whole) * scale.stored;
}

} // namespace

Activations checked_activations(const quant_activations &value) {
    uint32_t number; // Reading an enumeration that holds none of its values is undefined.
    std::memcpy(&number, &value, sizeof number);
    if (number > QUANT_ACTIVATIONS_INT8)
        fail(QUANT_ERR_ARGUMENT, "activations {}: expected QUANT_ACTIVATIONS_F32 or QUANT_ACTIVATIONS_INT8", number);
    return static_cast<Activations>(number);
}

QUANT_CPU_CLONES float int8_block(const float *x, size_t n, int8_t *codes) {
    const BlockScale scale(x, n);
    // Beyond 127 only where the inverse overflowed or a value is not finite.
    for (size_t i = 0; i < n; ++i) {
        const float code = x[i] * scale.inverse + whole - whole;
        codes[i] = static_cast<int8_t>(std::max(-127.0f, std::min(127.0f, code)));
    }
    return scale.stored;
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
