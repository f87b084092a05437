#include "kernel/activations.h"

#include "base/error.h"
#include "encoding/code_lanes.h"
#include "encoding/cpu_clones.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace quant {

namespace {

constexpr size_t short_block = 32, long_block = most_activation_block;

// Turned to and from in registers where the CPU has instructions for it.
#ifdef __aarch64__
using Half = __fp16;
#else
using Half = _Float16;
#endif

using ShortLanes = int16_t __attribute__((vector_size(2 * code_lanes)));
using SignedBytes = int8_t __attribute__((vector_size(code_lanes)));

// The compiler takes lanes out one by one where it is left to find a reduction itself.
inline float largest_of(WeightLanes v) {
    const auto larger = [](auto a, auto b) __attribute__((always_inline)) { return a > b ? a : b; };
    const auto eight = larger(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
                              __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
    const auto four = larger(__builtin_shufflevector(eight, eight, 0, 1, 2, 3),
                             __builtin_shufflevector(eight, eight, 4, 5, 6, 7));
    const auto two = larger(four, __builtin_shufflevector(four, four, 2, 3, 0, 1));
    return std::max(two[0], two[1]);
}

inline int32_t sum_of(ShortLanes v) {
    const auto eight = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    const auto four = eight + __builtin_shufflevector(eight, eight, 4, 5, 6, 7, 0, 1, 2, 3);
    const auto two = four + __builtin_shufflevector(four, four, 2, 3, 0, 1, 6, 7, 4, 5);
    return two[0] + two[1];
}

// In lanes: one running maximum could not be split. NaN is passed over.
inline float largest_magnitude(const float *x, size_t n) {
    WeightLanes largest = {};
    for (size_t i = 0; i < n; i += code_lanes) {
        const WeightLanes v = load_lanes(x + i), size = v < 0 ? -v : v;
        largest = size > largest ? size : largest;
    }
    return largest_of(largest);
}

// Where floats lie 1 apart, adding rounds to the nearest whole number, ties to even,
// as nearbyint() does; that is a call for each number.
constexpr float whole = 0x1.8p23f;

// What a block's values are multiplied with to become whole numbers, and what these with.
struct BlockScale {
    float inverse, stored;
};

/// Of blocks with these largest magnitudes.
inline void find_scales(const float *largest, size_t block, size_t count, BlockScale *out) {
    for (size_t b = 0; b < count; ++b) {
        const float d = largest[b] / 127;
        out[b].inverse = d != 0 ? 1 / d : 0;
        out[b].stored = block == short_block ? static_cast<float>(static_cast<Half>(d)) : d;
    }
}

inline BlockScale scale_of(const float *x, size_t n) {
    const float largest = largest_magnitude(x, n);
    BlockScale out;
    find_scales(&largest, n, 1, &out);
    return out;
}

QUANT_CPU_CLONES void round_block(const float *x, float *y, size_t n) {
    const BlockScale scale = scale_of(x, n);
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

QUANT_CPU_CLONES void int8_blocks(const float *x, size_t count, size_t block, size_t group, int8_t *codes,
                                  float *scales, int32_t *sums) {
    // One step for all blocks at a time: none then waits for its own maximum and quotient.
    float largest[most_int8_blocks];
    BlockScale found[most_int8_blocks];
    for (size_t b = 0; b < count; ++b) largest[b] = largest_magnitude(x + b * block, block);
    find_scales(largest, block, count, found);
    for (size_t b = 0; b < count; ++b) scales[b] = found[b].stored;
    for (size_t first = 0; first < count * block; first += group) {
        const float inverse = found[first / block].inverse;
        ShortLanes sum = {}; // 16 of 127 each fit.
        for (size_t i = first; i < first + group; i += code_lanes) {
            const WeightLanes code = load_lanes(x + i) * inverse + whole - whole;
            // Beyond 127 only where the inverse overflowed or a value is not finite.
            const WeightLanes below = code < 127 ? code : WeightLanes{} + 127;
            const WeightLanes within = below > -127 ? below : WeightLanes{} - 127;
            const auto bytes = __builtin_convertvector(__builtin_convertvector(within, CodeLanes), SignedBytes);
            std::memcpy(codes + i, &bytes, sizeof bytes);
            sum += __builtin_convertvector(bytes, ShortLanes);
        }
        sums[first / group] = sum_of(sum);
    }
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
