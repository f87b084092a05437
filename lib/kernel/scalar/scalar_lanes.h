// How floats are added: what simd/simd_lanes.h says of registers, in arrays.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace quant::kernel::scalar {

inline constexpr size_t lanes = 16;

/// a * b + c, rounded once.
inline float fused(float a, float b, float c) { return std::fma(a, b, c); }

/// Upper halves onto lower ones, until one is left; `Count` is a power of two.
template <size_t Count>
inline float folded(float (&v)[Count]) {
    for (size_t half = Count / 2; half != 0; half /= 2)
        for (size_t i = 0; i < half; ++i) v[i] += v[i + half];
    return v[0];
}

/// Sums of products in `Count` lanes. Where a row ends lanes that are left over take zeros.
template <size_t Count>
inline float lane_dot(const float *a, const float *b, size_t n) {
    float sums[Count] = {};
    size_t i = 0;
    for (; i + Count <= n; i += Count)
        for (size_t l = 0; l < Count; ++l) sums[l] = fused(a[i + l], b[i + l], sums[l]);
    if (i < n)
        for (size_t l = 0; l < Count; ++l) sums[l] = i + l < n ? fused(a[i + l], b[i + l], sums[l]) : sums[l] + 0.0f;
    return folded(sums);
}

/// The sum in `lanes` lanes, as lane_dot().
inline float lane_sum(const float *x, size_t n) {
    float sums[lanes] = {};
    size_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (size_t l = 0; l < lanes; ++l) sums[l] += x[i + l];
    if (i < n)
        for (size_t l = 0; l < lanes; ++l) sums[l] += i + l < n ? x[i + l] : 0.0f;
    return folded(sums);
}

/// x between two bounds; NaN stays.
inline float between(float x, float low, float high) {
    x = x > low ? x : x == x ? low : x;
    return x < high ? x : x == x ? high : x;
}

/// As simd::ExpParts: x = n ln 2 + r, and exp(r) = 1 + r + r * r * p.
struct ExpParts {
    float n, r, p;
};
inline ExpParts exp_parts(float x) {
    constexpr float whole = 0x1.8p23f; // Where floats lie 1 apart, adding rounds to a whole number.
    const float n = x * 1.44269504088896341f + whole - whole;
    float r = fused(-n, 0.693359375f, x);
    r = fused(-n, -2.12194440054690583e-4f, r);
    float p = 1.0f / 5040;
    p = fused(p, r, 1.0f / 720);
    p = fused(p, r, 1.0f / 120);
    p = fused(p, r, 1.0f / 24);
    p = fused(p, r, 1.0f / 6);
    p = fused(p, r, 0.5f);
    return {n, r, p};
}

/// exp(x) as simd::exp_of: n is added to the exponent in two steps. Not the library's, which is more
/// exact and on each machine another.
inline float exp_of(float x) {
    x = between(x, -105.0f, 89.0f);
    const ExpParts e = exp_parts(x);
    const float p = fused(e.r * e.r, e.p, e.r + 1.0f);
    // Of a NaN any number will do.
    const int32_t power = x == x ? static_cast<int32_t>(e.n) : 0, half = power >> 1;
    const auto power_of_two = [](int32_t exponent) { return std::bit_cast<float>((exponent + 127) << 23); };
    return p * power_of_two(half) * power_of_two(power - half);
}

/// tanh(x / 2) as simd::tanh_of_half: (exp(x) - 1) / (exp(x) + 1).
inline float tanh_of_half(float x) {
    x = between(x, -20.0f, 20.0f);
    const ExpParts e = exp_parts(x);
    const int32_t power = x == x ? static_cast<int32_t>(e.n) : 0;
    const float two_to_n = std::bit_cast<float>((power + 127) << 23);
    const float less_one = fused(two_to_n, fused(e.r * e.r, e.p, e.r), two_to_n - 1.0f);
    return less_one / (less_one + 2.0f);
}

/// x * Phi(x) as simd::gelu_of: x if it is positive, less |x| times the distribution's tail behind |x|.
inline float gelu_of(float x) {
    float size = x > 0.0f - x ? x : 0.0f - x;
    size = size < 20.0f ? size : size == size ? 20.0f : size;
    const float z = size * 0.707106781186547524f;
    const float t = 1.0f / fused(z, 0.3275911f, 1.0f);
    float p = 0.5f * 1.061405429f;
    p = fused(p, t, 0.5f * -1.453152027f);
    p = fused(p, t, 0.5f * 1.421413741f);
    p = fused(p, t, 0.5f * -0.284496736f);
    p = fused(p, t, 0.5f * 0.254829592f);
    const float tail = p * t * exp_of(0.0f - z * z);
    return (x > 0.0f ? x : 0.0f) - size * tail;
}

} // namespace quant::kernel::scalar
