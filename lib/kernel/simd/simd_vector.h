// Vector operations, written once over the tier's Simd type: V is a register
// of S::width floats; load_some/store_some touch only the first n < width of them. Every tier
// gives the same floats, those of scalar/: sums run in lanes as simd_lanes.h says.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/simd/simd_lanes.h"

#include <type_traits>

namespace quant::kernel::simd {
namespace {

/// x = n ln 2 + r with |r| <= ln 2 / 2, and exp(r) = 1 + r + r * r * p: Taylor to degree 7, whose relative
/// error is below 2e-8.
template <class S>
struct ExpParts {
    typename S::V n, r, p;
};
template <class S>
QUANT_INLINE ExpParts<S> exp_parts(typename S::V x) {
    using V = typename S::V;
    const V n = S::round(S::mul(x, S::broadcast(1.44269504088896341f)));
    // ln 2 in two parts: the first has trailing zeros, so n * part is exact.
    V r = S::fnma(n, S::broadcast(0.693359375f), x);
    r = S::fnma(n, S::broadcast(-2.12194440054690583e-4f), r);
    V p = S::broadcast(1.0f / 5040);
    p = S::fma(p, r, S::broadcast(1.0f / 720));
    p = S::fma(p, r, S::broadcast(1.0f / 120));
    p = S::fma(p, r, S::broadcast(1.0f / 24));
    p = S::fma(p, r, S::broadcast(1.0f / 6));
    p = S::fma(p, r, S::broadcast(0.5f));
    return {n, r, p};
}

/// exp(x): n is added to the exponent in two steps so that results below the normal range round, too.
/// NaN stays NaN.
template <class S>
QUANT_INLINE typename S::V exp_of(typename S::V x) {
    const auto e = exp_parts<S>(S::min(S::broadcast(89.0f), S::max(S::broadcast(-105.0f), x)));
    return S::scale_by_power(S::fma(S::mul(e.r, e.r), e.p, S::add(e.r, S::broadcast(1.0f))), e.n);
}

/// Call body(first, load, store) for whole registers and once for the rest.
template <class S, class Body>
QUANT_INLINE void map(const float *a, const float *b, float *y, size_t n, Body body) {
    size_t i = 0;
    for (; i + S::width <= n; i += S::width) S::store(y + i, body(S::load(a + i), S::load(b + i)));
    if (i < n) S::store_some(y + i, n - i, body(S::load_some(a + i, n - i), S::load_some(b + i, n - i)));
}

/// In 32 lanes, as products with rows of weights (DotSink) sum up.
template <class S>
float dot(const float *a, const float *b, size_t n) {
    auto even = S::wide_zero(), odd = even;
    const auto take = [&](const float *u, const float *v) __attribute__((always_inline)) {
        even = S::wide_add_product(S::wide_load(u), S::wide_load(v), even);
        odd = S::wide_add_product(S::wide_load(u + lanes), S::wide_load(v + lanes), odd);
    };
    size_t i = 0;
    for (; i + 2 * lanes <= n; i += 2 * lanes) take(a + i, b + i);
    if (i < n) {
        alignas(64) float u[2 * lanes] = {}, v[2 * lanes] = {};
        __builtin_memcpy(u, a + i, (n - i) * sizeof(float));
        __builtin_memcpy(v, b + i, (n - i) * sizeof(float));
        take(u, v);
    }
    return S::wide_sum(S::wide_add(even, odd));
}

template <class S>
void axpy(float a, const float *x, float *y, size_t n) {
    const auto factor = S::broadcast(a);
    map<S>(x, y, y, n, [&](auto u, auto v) __attribute__((always_inline)) { return S::fma(factor, u, v); });
}

template <class S>
void add(const float *x, float *y, size_t n) {
    map<S>(x, y, y, n, [](auto u, auto v) __attribute__((always_inline)) { return S::add(u, v); });
}

template <class S>
void rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t n) {
    const float mean = dot<S>(x, x, n) / static_cast<float>(n);
    const auto factor = S::broadcast(1.0f / __builtin_sqrtf(mean + epsilon));
    map<S>(x, weight, y, n, [&](auto v, auto w) __attribute__((always_inline)) {
        return S::mul(S::mul(v, factor), w);
    });
}

template <class S>
void silu_multiply(const float *gate, const float *up, float *y, size_t n) {
    map<S>(gate, up, y, n, [](auto g, auto u) __attribute__((always_inline)) {
        const auto below = S::add(S::broadcast(1.0f), exp_of<S>(S::sub(S::zero(), g)));
        return S::mul(S::div(g, below), u);
    });
}

template <class S>
void clamped_swiglu(const float *gate, const float *up, float limit, float *y, size_t n) {
    const auto high = S::broadcast(limit), low = S::broadcast(0.0f - limit), one = S::broadcast(1.0f);
    map<S>(gate, up, y, n, [&](auto g, auto u) __attribute__((always_inline)) {
        g = S::min(high, g);
        u = S::min(high, S::max(low, u));
        const auto below = S::add(one, exp_of<S>(S::mul(g, S::broadcast(-1.702f))));
        return S::mul(S::div(g, below), S::add(u, one));
    });
}

template <class S>
void relu_squared_multiply(const float *gate, const float *up, float *y, size_t n) {
    map<S>(gate, up, y, n, [](auto g, auto u) __attribute__((always_inline)) {
        g = S::max(S::zero(), g);
        return S::mul(S::mul(g, g), u);
    });
}

/// x (1 + tanh(u)) / 2 is x / (1 + exp(-2u)); behind 87 exp() has no value.
template <class S>
void gelu_tanh_multiply(const float *gate, const float *up, float *y, size_t n) {
    map<S>(gate, up, y, n, [](auto g, auto u) __attribute__((always_inline)) {
        const auto slope = S::mul(S::broadcast(0.0713548162726009f), S::mul(g, g));
        const auto twice = S::mul(g, S::add(S::broadcast(1.59576912160573f), slope));
        const auto limited = S::max(S::broadcast(-87.0f), S::min(S::broadcast(87.0f), twice));
        const auto below = S::add(S::broadcast(1.0f), exp_of<S>(S::sub(S::zero(), limited)));
        return S::mul(S::div(g, below), u);
    });
}

/// In sixteen lanes.
template <class S>
float sum(const float *x, size_t n) {
    auto total = S::wide_zero();
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) total = S::wide_add(S::wide_load(x + i), total);
    if (i < n) {
        alignas(64) float rest[lanes] = {};
        __builtin_memcpy(rest, x + i, (n - i) * sizeof(float));
        total = S::wide_add(S::wide_load(rest), total);
    }
    return S::wide_sum(total);
}

template <class S>
void layer_norm(const float *x, const float *weight, const float *bias, float epsilon, float *y, size_t n) {
    const auto mean = S::broadcast(sum<S>(x, n) / static_cast<float>(n));
    map<S>(x, x, y, n, [&](auto v, auto) __attribute__((always_inline)) { return S::sub(v, mean); });
    const auto factor = S::broadcast(1.0f / __builtin_sqrtf(dot<S>(y, y, n) / static_cast<float>(n) + epsilon));
    map<S>(y, weight, y, n, [&](auto v, auto w) __attribute__((always_inline)) {
        return S::mul(S::mul(v, factor), w);
    });
    add<S>(bias, y, n);
}

/// x * Phi(x): x if it is positive, less |x| times the distribution's tail behind |x|, which is within 8e-8
/// (Abramowitz and Stegun 7.1.26). Behind 20 there is none, so that infinity stays.
template <class S>
QUANT_INLINE typename S::V gelu_of(typename S::V x) {
    using V = typename S::V;
    const V size = S::min(S::broadcast(20.0f), S::max(x, S::sub(S::zero(), x)));
    const V z = S::mul(size, S::broadcast(0.707106781186547524f));
    const V t = S::div(S::broadcast(1.0f), S::fma(z, S::broadcast(0.3275911f), S::broadcast(1.0f)));
    V p = S::broadcast(0.5f * 1.061405429f);
    p = S::fma(p, t, S::broadcast(0.5f * -1.453152027f));
    p = S::fma(p, t, S::broadcast(0.5f * 1.421413741f));
    p = S::fma(p, t, S::broadcast(0.5f * -0.284496736f));
    p = S::fma(p, t, S::broadcast(0.5f * 0.254829592f));
    const V tail = S::mul(S::mul(p, t), exp_of<S>(S::sub(S::zero(), S::mul(z, z))));
    return S::sub(S::max(x, S::zero()), S::mul(size, tail));
}

template <class S>
void gelu(float *x, size_t n) {
    map<S>(x, x, x, n, [](auto v, auto) __attribute__((always_inline)) { return gelu_of<S>(v); });
}

/// tanh(x / 2) = (exp(x) - 1) / (exp(x) + 1). With x = n ln 2 + r, exp(x) - 1 is
/// 2^n (exp(r) - 1) + (2^n - 1), which loses nothing where x is small. From 20 on it is 1 in floats.
template <class S>
QUANT_INLINE typename S::V tanh_of_half(typename S::V x) {
    using V = typename S::V;
    const auto e = exp_parts<S>(S::min(S::broadcast(20.0f), S::max(S::broadcast(-20.0f), x)));
    const V one = S::broadcast(1.0f), two_to_n = S::scale_by_power(one, e.n);
    const V less_one = S::fma(two_to_n, S::fma(S::mul(e.r, e.r), e.p, e.r), S::sub(two_to_n, one));
    return S::div(less_one, S::add(less_one, S::broadcast(2.0f)));
}

template <class S>
void soft_cap(float *x, float cap, size_t n) {
    const auto twice = S::broadcast(2.0f / cap), most = S::broadcast(cap);
    map<S>(x, x, x, n, [&](auto v, auto) __attribute__((always_inline)) {
        return S::mul(most, tanh_of_half<S>(S::mul(v, twice)));
    });
}

template <class S>
float maximum(const float *x, size_t n) {
    auto largest = S::broadcast(-__builtin_inff());
    size_t i = 0;
    for (; i + S::width <= n; i += S::width) largest = S::max(S::load(x + i), largest);
    float out = S::largest(largest);
    for (; i < n; ++i) out = x[i] > out ? x[i] : out;
    return out;
}

/// The sum of exp(x - maximum); with Store they also replace x. Partial sums of 4096
/// are added in double, so that a vocabulary's worth of terms keeps its precision.
template <class S, bool Store>
double exp_total(std::conditional_t<Store, float, const float> *x, float maximum, size_t n) {
    const auto shift = S::broadcast(maximum);
    double total = 0;
    for (size_t begin = 0; begin < n; begin += 4096) {
        const size_t end = n - begin > 4096 ? begin + 4096 : n;
        typename S::V sums[parts<S>];
#pragma GCC unroll 4
        for (auto &sum : sums) sum = S::zero();
        size_t i = begin;
        for (; i + lanes <= end; i += lanes)
#pragma GCC unroll 4
            for (size_t p = 0; p < parts<S>; ++p) {
                const auto e = exp_of<S>(S::sub(S::load(x + i + p * S::width), shift));
                if constexpr (Store) S::store(x + i + p * S::width, e);
                sums[p] = S::add(sums[p], e);
            }
        for (size_t p = 0; p < parts<S>; ++p) {
            const size_t count = part_of<S>(end - i, p);
            if (count == 0) break;
            const auto v = load_part<S>(x + i + p * S::width, count);
            const auto e = S::first(exp_of<S>(S::sub(v, shift)), count);
            if constexpr (Store) store_part<S>(x + i + p * S::width, count, e);
            sums[p] = S::add(sums[p], e);
        }
        total += static_cast<double>(S::sum(folded<S>(sums)));
    }
    return total;
}

template <class S>
float exp_sum(float *x, float maximum, size_t n) {
    return static_cast<float>(exp_total<S, true>(x, maximum, n));
}

template <class S>
void multiply_by(float *x, float factor, size_t n) {
    const auto f = S::broadcast(factor);
    map<S>(x, x, x, n, [&](auto v, auto) __attribute__((always_inline)) { return S::mul(v, f); });
}

template <class S>
void softmax(float *x, float scale, size_t n) {
    if (scale != 1.0f) multiply_by<S>(x, scale, n);
    const float sum = exp_sum<S>(x, maximum<S>(x, n), n);
    multiply_by<S>(x, 1.0f / sum, n);
}

template <class S>
float log_sum_exp(const float *x, size_t n) {
    const float largest = maximum<S>(x, n);
    if (!(__builtin_fabsf(largest) < __builtin_inff())) return largest;
    return static_cast<float>(largest + __builtin_log(exp_total<S, false>(x, largest, n)));
}

/// Of up to sixteen lanes.
template <class S>
struct DivergenceLanes {
    using V = typename S::V;
    V sum[parts<S>], base_sum[parts<S>], weighted[parts<S>];

    QUANT_INLINE DivergenceLanes() {
#pragma GCC unroll 4
        for (size_t p = 0; p < parts<S>; ++p) sum[p] = base_sum[p] = weighted[p] = S::zero();
    }
    /// Lanes of register `part`, shifted.
    QUANT_INLINE void take(size_t part, V a, V b, V exp_a, V exp_b) {
        sum[part] = S::add(sum[part], exp_a);
        base_sum[part] = S::add(base_sum[part], exp_b);
        weighted[part] = S::fma(exp_b, S::sub(b, a), weighted[part]);
    }
};

/// Partial sums of 1024 are added in double: divergences are small differences of them.
template <class S>
void divergence_sums(const float *x, float x_shift, const float *base, float base_shift, size_t n,
                     DivergenceSums *out) {
    const auto shift = S::broadcast(x_shift), shift_of_base = S::broadcast(base_shift);
    *out = {};
    for (size_t begin = 0; begin < n; begin += 1024) {
        const size_t end = n - begin > 1024 ? begin + 1024 : n;
        DivergenceLanes<S> partial;
        size_t i = begin;
        for (; i + lanes <= end; i += lanes)
#pragma GCC unroll 4
            for (size_t p = 0; p < parts<S>; ++p) {
                const size_t at = i + p * S::width;
                const auto a = S::sub(S::load(x + at), shift), b = S::sub(S::load(base + at), shift_of_base);
                partial.take(p, a, b, exp_of<S>(a), exp_of<S>(b));
            }
        for (size_t p = 0; p < parts<S>; ++p) {
            const size_t at = i + p * S::width, count = part_of<S>(end - i, p);
            if (count == 0) break;
            const auto a = S::sub(load_part<S>(x + at, count), shift);
            const auto b = S::sub(load_part<S>(base + at, count), shift_of_base);
            partial.take(p, a, b, S::first(exp_of<S>(a), count), S::first(exp_of<S>(b), count));
        }
        out->sum += static_cast<double>(S::sum(folded<S>(partial.sum)));
        out->base_sum += static_cast<double>(S::sum(folded<S>(partial.base_sum)));
        out->weighted += static_cast<double>(S::sum(folded<S>(partial.weighted)));
    }
}

} // namespace
} // namespace quant::kernel::simd
