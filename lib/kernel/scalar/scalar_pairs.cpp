// Attention in whole numbers of 16 bits in plain loops: what simd/simd_pairs.h says of registers.
#include "kernel/pair_scales.h"
#include "kernel/scalar/scalar_kernels.h"

#include "encoding/cpu_clones.h"
#include "kernel/scalar/scalar_lanes.h"

#include <algorithm>

namespace quant::kernel::scalar {

namespace {

static_assert(lanes == pair_lanes);

/// To the nearest whole number, ties to even; 0 for what is not finite.
inline int32_t whole(float x) {
    const bool fits = x > -0x1p16f && x < 0x1p16f; // A bound's product may pass it by its rounding.
    return fits ? static_cast<int32_t>(x + whole_numbers - whole_numbers) : 0;
}

inline int32_t pair(float even, float odd) {
    return static_cast<int32_t>((static_cast<uint32_t>(whole(even)) & 0xffff) | static_cast<uint32_t>(whole(odd))
                                                                                    << 16);
}

inline int32_t pair_product(int32_t a, int32_t b) {
    return static_cast<int16_t>(a & 0xffff) * static_cast<int16_t>(b & 0xffff) + (a >> 16) * (b >> 16);
}

/// NaN where x is not finite, else as before.
inline float poisoned(float before, float x) { return fused(x, 0.0f, before); }

inline float larger(float a, float b) { return a > b ? a : b; }

/// 2^t for t <= 0 times `one`, a power of two; NaN stays.
inline float exp2_times(float t, float one) {
    t = larger(least_exponent, t);
    const float n = t + whole_numbers, r = t - (n - whole_numbers);
    float p = one * exp2_terms[3];
    p = fused(p, r, one * exp2_terms[2]);
    p = fused(p, r, one * exp2_terms[1]);
    p = fused(p, r, one * exp2_terms[0]);
    p = fused(p, r, one);
    return std::bit_cast<float>(std::bit_cast<uint32_t>(p) + (std::bit_cast<uint32_t>(n) << 23));
}

/// Of sixteen rows.
inline void weigh_rows(const PairWeights &a, size_t row) {
    for (size_t l = row; l < row + lanes; ++l) {
        float largest = no_score, sums[2] = {};
        for (size_t j = 0; j < a.positions; ++j) largest = larger(a.scores[j * a.rows + l], largest);
        const float before = a.maximum[l], now = larger(largest, before);
        for (size_t j = 0; j < a.positions; j += 2) {
            float w[2];
            for (size_t i = 0; i < 2; ++i) {
                w[i] = exp2_times(a.scores[(j + i) * a.rows + l] - largest, 1 << weight_bits);
                sums[i] = fused(w[i], a.weights[j + i], sums[i]);
            }
            a.out[j / 2 * a.rows + l] = pair(w[0], w[1]);
        }
        a.maximum[l] = now;
        a.keep[l] = exp2_times(before - now, 1);
        a.part[l] = exp2_times(largest - now, 1);
        a.sum[l] = fused(sums[0] + sums[1], a.part[l], a.sum[l] * a.keep[l]);
    }
}

} // namespace

QUANT_CPU_CLONES void quantize_lanes(const PairLanes &a) {
    for (size_t l = 0; l < lanes; ++l) {
        float largest = 0, poison = 0;
        for (size_t d = 0; d < a.dims; ++d) {
            const float x = a.in[d * lanes + l];
            largest = larger(larger(x, 0.0f - x), largest);
            poison = poisoned(poison, x);
        }
        const float factor = pair_factor(largest, a.limit);
        a.scales[l] = largest / a.limit * a.factor + poison;
        for (size_t d = 0; d < a.dims; d += 2)
            a.out[d / 2 * a.stride + l] =
                pair(a.in[d * lanes + l] * factor, d + 1 < a.dims ? a.in[(d + 1) * lanes + l] * factor : 0);
    }
}

QUANT_CPU_CLONES void quantize_rows(const PairRows &a) {
    for (size_t r = 0; r < 2 * a.pairs; ++r) {
        a.powers[r] = 0, a.weights[r] = 0;
        if (r >= a.rows) continue;
        float largest = 0, poison = 0;
        for (size_t d = 0; d < a.dims; ++d) {
            const float x = a.in[r * a.dims + d];
            largest = larger(larger(x, 0.0f - x), largest);
            poison = poisoned(poison, x);
        }
        const int32_t power = value_power(largest);
        a.powers[r] = static_cast<float>(power) + poison;
        a.weights[r] = power_of_two(-power);
    }
    const auto scaled = [&](size_t r, size_t d) {
        return r < a.rows && d < a.dims ? a.in[r * a.dims + d] * a.weights[r] : 0.0f;
    };
    for (size_t r = 0; r < 2 * a.pairs; r += 2)
        for (size_t d = 0; d < a.padded_dims; ++d)
            a.out[r / 2 * a.padded_dims + d] = pair(scaled(r, d), scaled(r + 1, d));
}

QUANT_CPU_CLONES void pair_scores(const PairScores &a) {
    for (size_t j = 0; j < a.positions; ++j) {
        const int32_t *key = a.keys + j / lanes * a.pairs * lanes + j % lanes;
        int32_t sums[most_pair_rows] = {};
        for (size_t p = 0; p < a.pairs; ++p)
            for (size_t r = 0; r < a.rows; ++r) sums[r] += pair_product(key[p * lanes], a.q[p * a.rows + r]);
        for (size_t r = 0; r < a.rows; ++r)
            a.out[j * a.rows + r] = fused(static_cast<float>(sums[r]) * a.key_scales[j], a.q_scales[r], a.powers[j]);
    }
}

QUANT_CPU_CLONES void pair_weigh(const PairWeights &a) {
    for (size_t row = 0; row < a.rows; row += lanes) weigh_rows(a, row);
}

QUANT_CPU_CLONES void pair_add_values(const PairValues &a) {
    for (size_t d = 0; d < a.dims; ++d) {
        int32_t sums[most_pair_rows] = {};
        for (size_t p = 0; p < a.pairs; ++p)
            for (size_t r = 0; r < a.rows; ++r)
                sums[r] += pair_product(a.values[p * a.dims + d], a.weights[p * a.rows + r]);
        float *out = a.out + d * a.rows;
        for (size_t r = 0; r < a.rows; ++r) out[r] = fused(static_cast<float>(sums[r]), a.part[r], out[r] * a.keep[r]);
    }
}

} // namespace quant::kernel::scalar
