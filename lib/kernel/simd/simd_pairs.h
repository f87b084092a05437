// Attention in whole numbers of 16 bits (pair_kernels.h), written once over the tier's types Simd and P: P has
// the products of pairs, and what moves numbers between floats and pairs.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/pair_scales.h"
#include "kernel/simd/simd_lanes.h"

namespace quant::kernel::simd {
namespace {

template <class S> QUANT_INLINE typename S::V magnitude(typename S::V v) { return S::max(v, S::sub(S::zero(), v)); }

/// NaN where one of x is not finite, else as before.
template <class S> QUANT_INLINE typename S::V poisoned(typename S::V before, typename S::V x) {
    return S::fma(x, S::zero(), before);
}

template <class S, class P> void quantize_lanes(const PairLanes &a) {
    using V = typename S::V;
    static_assert(lanes == pair_lanes);
    alignas(64) float largest[lanes], poison[lanes], factors[lanes];
    for (size_t p = 0; p < lanes; p += S::width) {
        V most = S::zero(), bad = S::zero();
        for (size_t d = 0; d < a.dims; ++d) {
            const V x = S::load(a.in + d * lanes + p);
            most = S::max(magnitude<S>(x), most);
            bad = poisoned<S>(bad, x);
        }
        S::store(largest + p, most);
        S::store(poison + p, bad);
    }
    for (size_t l = 0; l < lanes; ++l) {
        factors[l] = pair_factor(largest[l], a.limit);
        a.scales[l] = largest[l] / a.limit * a.factor + poison[l];
    }
    for (size_t p = 0; p < lanes; p += S::width) {
        const V factor = S::load(factors + p);
        for (size_t d = 0; d < a.dims; d += 2) {
            const V even = S::mul(S::load(a.in + d * lanes + p), factor);
            const V odd = d + 1 < a.dims ? S::mul(S::load(a.in + (d + 1) * lanes + p), factor) : S::zero();
            P::store_pairs(a.out + d / 2 * a.stride + p, even, odd);
        }
    }
}

/// The scale of one row of values.
template <class S> QUANT_INLINE void scale_row(const float *x, size_t dims, float &power, float &weight) {
    using V = typename S::V;
    V most = S::zero(), bad = S::zero();
    size_t d = 0;
    for (; d + S::width <= dims; d += S::width) {
        const V v = S::load(x + d);
        most = S::max(magnitude<S>(v), most);
        bad = poisoned<S>(bad, v);
    }
    if (d < dims) {
        const V v = S::load_some(x + d, dims - d);
        most = S::max(magnitude<S>(v), most);
        bad = poisoned<S>(bad, v);
    }
    const int32_t n = value_power(S::largest(most));
    power = static_cast<float>(n) + S::sum(bad);
    weight = power_of_two(-n);
}

template <class S, class P> void quantize_rows(const PairRows &a) {
    for (size_t r = 0; r < 2 * a.pairs; ++r) {
        a.powers[r] = 0, a.weights[r] = 0;
        if (r < a.rows) scale_row<S>(a.in + r * a.dims, a.dims, a.powers[r], a.weights[r]);
    }
    for (size_t r = 0; r < 2 * a.pairs; r += 2)
        for (size_t d = 0; d < a.padded_dims; d += S::width) {
            const size_t some = d + S::width <= a.dims ? S::width : d < a.dims ? a.dims - d : 0;
            const auto scaled = [&](size_t row) __attribute__((always_inline)) {
                if (row >= a.rows || some == 0) return S::zero();
                return S::mul(load_part<S>(a.in + row * a.dims + d, some), S::broadcast(a.weights[row]));
            };
            P::store_pairs(a.out + r / 2 * a.padded_dims + d, scaled(r), scaled(r + 1));
        }
}

/// Sums of products of pairs: `Count` words of `one`, each with `Vectors` registers of `many`. Calls
/// finish(which, register, sum) for all of them.
template <class P, int Count, int Vectors, class Finish>
QUANT_INLINE void pair_tile(const int32_t *one, size_t one_stride, const int32_t *many, size_t many_stride,
                            size_t pairs, const Finish &finish) {
    typename P::Sum sums[Count][Vectors];
#pragma GCC unroll 8
    for (int c = 0; c < Count; ++c)
#pragma GCC unroll 4
        for (int i = 0; i < Vectors; ++i) sums[c][i] = P::zero();
    for (size_t p = 0; p < pairs; ++p, one += one_stride, many += many_stride) {
        typename P::Many of_many[Vectors];
#pragma GCC unroll 4
        for (int i = 0; i < Vectors; ++i) of_many[i] = P::many(many + static_cast<size_t>(i) * P::width);
#pragma GCC unroll 8
        for (int c = 0; c < Count; ++c) {
            const auto of_one = P::one(one + c);
#pragma GCC unroll 4
            for (int i = 0; i < Vectors; ++i) sums[c][i] = P::add_products(sums[c][i], of_one, of_many[i]);
        }
    }
    typename P::Sum done[Count][Vectors]; // Through memory, or the compiler keeps all sums there in the loop.
    __builtin_memcpy(done, sums, sizeof sums);
    for (size_t c = 0; c < Count; ++c)
        for (size_t i = 0; i < Vectors; ++i) finish(c, i, P::floats(done[c][i]));
}

/// Calls run.operator()<Vectors>(first row) for all rows: P::vectors registers at a time, and what is left.
template <class P, int Vectors, class Run> QUANT_INLINE void for_rows(size_t rows, size_t first, const Run &run) {
    for (; first + Vectors * P::width <= rows; first += Vectors * P::width) run.template operator()<Vectors>(first);
    if constexpr (Vectors > 1) for_rows<P, Vectors - 1>(rows, first, run);
}

template <class S, class P> void pair_scores(const PairScores &a) {
    for_rows<P, P::vectors>(a.rows, 0, [&]<int Vectors>(size_t row) {
        for (size_t j = 0; j < a.positions; j += P::count) {
            const int32_t *keys = a.keys + j / lanes * a.pairs * lanes + j % lanes;
            pair_tile<P, P::count, Vectors>(
                keys, lanes, a.q + row, a.rows,
                a.pairs, [&](size_t c, size_t i, typename S::V sum) __attribute__((always_inline)) {
                    const size_t at = row + i * S::width;
                    const auto scaled = S::mul(sum, S::broadcast(a.key_scales[j + c]));
                    S::store(a.out + (j + c) * a.rows + at,
                             S::fma(scaled, S::load(a.q_scales + at), S::broadcast(a.powers[j + c])));
                });
        }
    });
}

template <class S, class P> void pair_add_values(const PairValues &a) {
    for_rows<P, P::vectors>(a.rows, 0, [&]<int Vectors>(size_t row) {
        for (size_t d = 0; d < a.dims; d += P::count)
            pair_tile<P, P::count, Vectors>(
                a.values + d, a.dims, a.weights + row, a.rows,
                a.pairs, [&](size_t c, size_t i, typename S::V sum) __attribute__((always_inline)) {
                    const size_t at = row + i * S::width;
                    float *out = a.out + (d + c) * a.rows + at;
                    S::store(out, S::fma(sum, S::load(a.part + at), S::mul(S::load(out), S::load(a.keep + at))));
                });
    });
}

/// `one` * 2^t for t <= 0, where `one` is a power of two; NaN stays.
template <class S, class P> QUANT_INLINE typename S::V exp2_times(typename S::V t, float one) {
    using V = typename S::V;
    t = S::max(S::broadcast(least_exponent), t);
    const V n = S::add(t, S::broadcast(whole_numbers)), r = S::sub(t, S::sub(n, S::broadcast(whole_numbers)));
    V p = S::broadcast(one * exp2_terms[3]);
    p = S::fma(p, r, S::broadcast(one * exp2_terms[2]));
    p = S::fma(p, r, S::broadcast(one * exp2_terms[1]));
    p = S::fma(p, r, S::broadcast(one * exp2_terms[0]));
    p = S::fma(p, r, S::broadcast(one));
    return P::add_exponent(p, n);
}

/// Of one register of rows.
template <class S, class P> QUANT_INLINE void weigh_rows(const PairWeights &a, size_t row) {
    using V = typename S::V;
    constexpr float one = 1 << weight_bits;
    const float *scores = a.scores + row;
    V largest = S::broadcast(no_score), other = largest;
    for (size_t j = 0; j < a.positions; j += 2) {
        largest = S::max(S::load(scores + j * a.rows), largest);
        other = S::max(S::load(scores + (j + 1) * a.rows), other);
    }
    largest = S::max(other, largest);
    const V before = S::load(a.maximum + row), now = S::max(largest, before);
    V even = S::zero(), odd = S::zero();
    for (size_t j = 0; j < a.positions; j += 2) {
        const V e = exp2_times<S, P>(S::sub(S::load(scores + j * a.rows), largest), one);
        const V o = exp2_times<S, P>(S::sub(S::load(scores + (j + 1) * a.rows), largest), one);
        even = S::fma(e, S::broadcast(a.weights[j]), even);
        odd = S::fma(o, S::broadcast(a.weights[j + 1]), odd);
        P::store_pairs(a.out + j / 2 * a.rows + row, e, o);
    }
    const V keep = exp2_times<S, P>(S::sub(before, now), 1), part = exp2_times<S, P>(S::sub(largest, now), 1);
    S::store(a.maximum + row, now);
    S::store(a.keep + row, keep);
    S::store(a.part + row, part);
    S::store(a.sum + row, S::fma(S::add(even, odd), part, S::mul(S::load(a.sum + row), keep)));
}

template <class S, class P> void pair_weigh(const PairWeights &a) {
    for (size_t row = 0; row < a.rows; row += S::width) weigh_rows<S, P>(a, row);
}

} // namespace
} // namespace quant::kernel::simd
