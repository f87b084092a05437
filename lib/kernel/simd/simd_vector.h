// Vector operations, written once over the tier's Simd type: V is a register
// of S::width floats; load_some/store_some touch only the first n < width of them.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/simd/simd_inline.h"

#include <type_traits>

namespace quant::kernel::simd {
namespace {

/// exp(x): x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial for exp(r), then n added to
/// the exponent in two steps so that results below the normal range round, too. The
/// relative error of the polynomial is below 2e-8 (Taylor to degree 7). NaN stays NaN.
template <class S>
QUANT_INLINE typename S::V exp_of(typename S::V x) {
    using V = typename S::V;
    x = S::min(S::broadcast(89.0f), S::max(S::broadcast(-105.0f), x));
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
    p = S::fma(S::mul(r, r), p, S::add(r, S::broadcast(1.0f)));
    return S::scale_by_power(p, n);
}

/// Call body(first, load, store) for whole registers and once for the rest.
template <class S, class Body>
QUANT_INLINE void map(const float *a, const float *b, float *y, size_t n, Body body) {
    size_t i = 0;
    for (; i + S::width <= n; i += S::width) S::store(y + i, body(S::load(a + i), S::load(b + i)));
    if (i < n) S::store_some(y + i, n - i, body(S::load_some(a + i, n - i), S::load_some(b + i, n - i)));
}

template <class S>
float dot(const float *a, const float *b, size_t n) {
    using V = typename S::V;
    V s0 = S::zero(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * S::width <= n; i += 4 * S::width) {
        s0 = S::fma(S::load(a + i), S::load(b + i), s0);
        s1 = S::fma(S::load(a + i + S::width), S::load(b + i + S::width), s1);
        s2 = S::fma(S::load(a + i + 2 * S::width), S::load(b + i + 2 * S::width), s2);
        s3 = S::fma(S::load(a + i + 3 * S::width), S::load(b + i + 3 * S::width), s3);
    }
    for (; i + S::width <= n; i += S::width) s0 = S::fma(S::load(a + i), S::load(b + i), s0);
    if (i < n) s1 = S::fma(S::load_some(a + i, n - i), S::load_some(b + i, n - i), s1);
    return S::sum(S::add(S::add(s0, s1), S::add(s2, s3)));
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
        auto sum = S::zero();
        size_t i = begin;
        for (; i + S::width <= end; i += S::width) {
            const auto e = exp_of<S>(S::sub(S::load(x + i), shift));
            if constexpr (Store) S::store(x + i, e);
            sum = S::add(sum, e);
        }
        if (i < end) {
            const auto e = S::first(exp_of<S>(S::sub(S::load_some(x + i, end - i), shift)), end - i);
            if constexpr (Store) S::store_some(x + i, end - i, e);
            sum = S::add(sum, e);
        }
        total += static_cast<double>(S::sum(sum));
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

/// Partial sums of 1024 are added in double: divergences are small differences of them.
template <class S>
void divergence_sums(const float *x, float x_shift, const float *base, float base_shift, size_t n,
                     DivergenceSums *out) {
    using V = typename S::V;
    const V shift = S::broadcast(x_shift), shift_of_base = S::broadcast(base_shift);
    double sum = 0, base_sum = 0, weighted = 0;
    for (size_t begin = 0; begin < n; begin += 1024) {
        const size_t end = n - begin > 1024 ? begin + 1024 : n;
        V s = S::zero(), t = S::zero(), w = S::zero();
        for (size_t i = begin; i < end; i += S::width) {
            const bool whole = i + S::width <= end;
            const V a = S::sub(whole ? S::load(x + i) : S::load_some(x + i, end - i), shift);
            const V b = S::sub(whole ? S::load(base + i) : S::load_some(base + i, end - i), shift_of_base);
            V q = exp_of<S>(a), p = exp_of<S>(b);
            if (!whole) q = S::first(q, end - i), p = S::first(p, end - i);
            s = S::add(s, q);
            t = S::add(t, p);
            w = S::fma(p, S::sub(b, a), w);
        }
        sum += static_cast<double>(S::sum(s));
        base_sum += static_cast<double>(S::sum(t));
        weighted += static_cast<double>(S::sum(w));
    }
    out->sum = sum, out->base_sum = base_sum, out->weighted = weighted;
}

} // namespace
} // namespace quant::kernel::simd
