// Register-blocked products, written once over the tier's Simd type.
//
// gemm keeps a tile of 4 rows x S::tile_tokens tokens in registers, each a vector of
// partial sums along k: both operands are read as they lie in memory, nothing is
// packed or transposed, and k's end costs one masked step. Partial sums are of sixteen lanes
// (simd_lanes.h): where a register holds fewer, the tile goes along k once for each part of
// them, in the first-level cache. Four rows' sums are reduced together to four
// neighbouring results. All rows pass under one group of tokens, which stays in the
// first-level cache, before the next group comes. Weights of 16 bits may be converted on the way, which of few tokens
// is sooner than to write them down as floats first.
//
// weighted_sum keeps tokens x dims in registers while it walks the positions.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/simd/simd_lanes.h"
#include "kernel/simd/simd_rows.h"

namespace quant::kernel::simd {
namespace {

/// Weights that are floats: rows of a GemmBlock from one on.
template <class S> struct FloatWeights {
    const float *rows;
    size_t stride;

    static QUANT_INLINE FloatWeights of(const GemmBlock &b) { return {b.w, b.w_stride}; }
    QUANT_INLINE FloatWeights from(size_t row) const { return {rows + row * stride, stride}; }
    QUANT_INLINE typename S::V load(size_t row, size_t i) const { return S::load(rows + row * stride + i); }
    QUANT_INLINE typename S::V load(size_t row, size_t i, size_t n) const {
        return load_part<S>(rows + row * stride + i, n);
    }
};

/// Weights of 16 bits, converted in registers each time; for registers of all sixteen lanes.
template <class S, class Kind> struct HalfWeights {
    static_assert(S::width == lanes && Kind::bytes == 2);
    const std::byte *rows;
    size_t stride; ///< In bytes.

    QUANT_INLINE HalfWeights from(size_t row) const { return {rows + row * stride, stride}; }
    QUANT_INLINE typename S::V load(size_t row, size_t i) const {
        return Kind::template load<S>(rows + row * stride + i * Kind::bytes);
    }
    QUANT_INLINE typename S::V load(size_t row, size_t i, size_t n) const {
        return FloatTail<S, Kind>(rows + row * stride + i * Kind::bytes, n).half(0);
    }
};

template <class S, int Rows, int Tokens, class Weights>
struct GemmTile {
    using V = typename S::V;

    /// `n`: of the registers' lanes, or none for all.
    template <class... N>
    static QUANT_INLINE void step(const GemmBlock &b, const Weights &w, const float *x, size_t i,
                                  V (&sums)[Tokens][Rows], N... n) {
        V values[Tokens];
#pragma GCC unroll 8
        for (int t = 0; t < Tokens; ++t) {
            const float *of = x + static_cast<size_t>(t) * b.x_stride + i;
            if constexpr (sizeof...(N) == 0) values[t] = S::load(of);
            else values[t] = load_part<S>(of, n...);
        }
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) {
            const V weight = w.load(static_cast<size_t>(r), i, n...);
#pragma GCC unroll 8
            for (int t = 0; t < Tokens; ++t) sums[t][r] = S::fma(weight, values[t], sums[t][r]);
        }
    }

    /// Sums of the lanes of register `part`.
    static QUANT_INLINE void add_part(const GemmBlock &b, size_t part, const Weights &w, const float *x,
                                      V (&sums)[Tokens][Rows]) {
        const size_t first = part * S::width;
#pragma GCC unroll 8
        for (int t = 0; t < Tokens; ++t)
#pragma GCC unroll 4
            for (int r = 0; r < Rows; ++r) sums[t][r] = S::zero();
        size_t i = 0;
        for (; i + lanes <= b.k; i += lanes) step(b, w, x, first + i, sums);
        if (i == b.k) return;
        step(b, w, x, first + i, sums, part_of<S>(b.k - i, part)); // None, too: then zeros are added.
    }

    static void run(const GemmBlock &b, const Weights &all_weights, size_t row, size_t token) {
        const Weights w = all_weights.from(row);
        const float *x = b.x + token * b.x_stride;
        V sums[parts<S>][Tokens][Rows];
#pragma GCC unroll 4
        for (size_t p = 0; p < parts<S>; ++p) {
            V of_part[Tokens][Rows];
            add_part(b, p, w, x, of_part);
            __builtin_memcpy(sums[p], of_part, sizeof of_part);
        }
#pragma GCC unroll 8
        for (int t = 0; t < Tokens; ++t) {
            V all[Rows];
#pragma GCC unroll 4
            for (int r = 0; r < Rows; ++r) {
                V of_lanes[parts<S>];
#pragma GCC unroll 4
                for (size_t p = 0; p < parts<S>; ++p) of_lanes[p] = sums[p][t][r];
                all[r] = folded<S>(of_lanes);
            }
            write(b, all, b.y + (token + static_cast<size_t>(t)) * b.y_stride + row);
        }
    }

    static QUANT_INLINE void write(const GemmBlock &b, const V (&sums)[Rows], float *y) {
        if constexpr (Rows == 4) {
            auto four = S::sums_of_four(sums[0], sums[1], sums[2], sums[3]), before = four;
            if (b.accumulate) {
                __builtin_memcpy(&before, y, sizeof before);
                four += before;
            }
            __builtin_memcpy(y, &four, sizeof four);
        } else {
#pragma GCC unroll 4
            for (int r = 0; r < Rows; ++r) y[r] = b.accumulate ? y[r] + S::sum(sums[r]) : S::sum(sums[r]);
        }
    }
};

template <class S, int Tokens, class Weights>
void gemm_rows(const GemmBlock &b, const Weights &w, size_t token) {
    size_t row = 0;
    for (; row + 4 <= b.rows; row += 4) GemmTile<S, 4, Tokens, Weights>::run(b, w, row, token);
    for (; row < b.rows; ++row) GemmTile<S, 1, Tokens, Weights>::run(b, w, row, token);
}

template <class S, int Tokens, class Weights>
QUANT_INLINE void gemm_last_tokens(const GemmBlock &b, const Weights &w, size_t token) {
    if constexpr (Tokens > 0) {
        if (b.tokens - token == Tokens) return gemm_rows<S, Tokens>(b, w, token);
        gemm_last_tokens<S, Tokens - 1>(b, w, token);
    }
}

template <class S, class Weights>
void gemm_with(const GemmBlock &b, const Weights &w) {
    constexpr int most = S::tile_tokens;
    size_t token = 0;
    for (; token + most <= b.tokens; token += most) gemm_rows<S, most>(b, w, token);
    gemm_last_tokens<S, most - 1>(b, w, token);
}

template <class S>
void gemm(const GemmBlock &b) {
    gemm_with<S>(b, FloatWeights<S>::of(b));
}

/// As EncodingKernels::gemm.
template <class S, class Kind>
void half_gemm(const GemmBlock &b, const std::byte *w, size_t w_stride) {
    gemm_with<S>(b, HalfWeights<S, Kind>{w, w_stride});
}

struct WeightedSum {
    const float *p;
    size_t p_stride;
    const float *v;
    size_t v_stride, positions;
    const float *keep;
    float *out;
    size_t dims;
};

/// One tile: `Tokens` rows by `Vectors` registers of dims; `some` of the last one's
/// lanes exist when it is not 0.
template <class S, int Tokens, int Vectors>
QUANT_INLINE void weighted_tile(const WeightedSum &a, size_t token, size_t dim, size_t some) {
    using V = typename S::V;
    const auto load = [some](const float *from) __attribute__((always_inline)) {
        return some ? S::load_some(from, some) : S::load(from);
    };
    V sums[Tokens][Vectors];
#pragma GCC unroll 4
    for (int t = 0; t < Tokens; ++t) {
        const float *row = a.out + (token + static_cast<size_t>(t)) * a.dims + dim;
#pragma GCC unroll 4
        for (int i = 0; i < Vectors; ++i)
            sums[t][i] = S::mul(load(row + static_cast<size_t>(i) * S::width),
                                S::broadcast(a.keep[token + static_cast<size_t>(t)]));
    }
    for (size_t j = 0; j < a.positions; ++j) {
        V values[Vectors];
#pragma GCC unroll 4
        for (int i = 0; i < Vectors; ++i) values[i] = load(a.v + j * a.v_stride + dim + static_cast<size_t>(i) * S::width);
#pragma GCC unroll 4
        for (int t = 0; t < Tokens; ++t) {
            const V weight = S::broadcast(a.p[(token + static_cast<size_t>(t)) * a.p_stride + j]);
#pragma GCC unroll 4
            for (int i = 0; i < Vectors; ++i) sums[t][i] = S::fma(weight, values[i], sums[t][i]);
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < Tokens; ++t) {
        float *row = a.out + (token + static_cast<size_t>(t)) * a.dims + dim;
#pragma GCC unroll 4
        for (int i = 0; i < Vectors; ++i) {
            if (some) S::store_some(row + static_cast<size_t>(i) * S::width, some, sums[t][i]);
            else S::store(row + static_cast<size_t>(i) * S::width, sums[t][i]);
        }
    }
}

template <class S, int Tokens>
void weighted_rows(const WeightedSum &a, size_t token) {
    constexpr int vectors = S::tile_vectors;
    size_t dim = 0;
    for (; dim + vectors * S::width <= a.dims; dim += vectors * S::width)
        weighted_tile<S, Tokens, vectors>(a, token, dim, 0);
    for (; dim + S::width <= a.dims; dim += S::width) weighted_tile<S, Tokens, 1>(a, token, dim, 0);
    if (dim < a.dims) weighted_tile<S, Tokens, 1>(a, token, dim, a.dims - dim);
}

template <class S>
void weighted_sum(const float *p, size_t p_stride, const float *v, size_t v_stride, size_t positions,
                  const float *keep, float *out, size_t tokens, size_t dims) {
    const WeightedSum a{p, p_stride, v, v_stride, positions, keep, out, dims};
    size_t token = 0;
    for (; token + 4 <= tokens; token += 4) weighted_rows<S, 4>(a, token);
    for (; token < tokens; ++token) weighted_rows<S, 1>(a, token);
}

} // namespace
} // namespace quant::kernel::simd
