// Scores of attention: keys lie side by side, 16 positions the lanes of one or more registers, so
// that a query's element is broadcast and no sum runs across lanes.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/simd/simd_inline.h"

namespace quant::kernel::simd {
namespace {

template <class S>
void lay_keys(const float *in, size_t rows, size_t dims, float *out) {
    constexpr size_t block = S::turned;
    const size_t whole_rows = rows / block * block, whole_dims = dims / block * block;
    for (size_t r = 0; r < whole_rows; r += block)
        for (size_t d = 0; d < whole_dims; d += block) S::turn(in + r * dims + d, dims, out + d * key_lanes + r, key_lanes);
    for (size_t d = 0; d < dims; ++d)
        for (size_t r = d < whole_dims ? whole_rows : 0; r < key_lanes; ++r)
            out[d * key_lanes + r] = r < rows ? in[r * dims + d] : 0;
}

/// `Rows` queries by `Vectors` registers of keys, from key `at` on.
template <class S, int Rows, int Vectors>
QUANT_INLINE void score_tile(const float *q, size_t dims, const float *keys, size_t at, float *out, size_t out_stride) {
    using V = typename S::V;
    V sums[Rows][Vectors];
#pragma GCC unroll 12
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int i = 0; i < Vectors; ++i) sums[r][i] = S::zero();
    const float *first[Vectors];
#pragma GCC unroll 2
    for (int i = 0; i < Vectors; ++i) {
        const size_t key = at + static_cast<size_t>(i) * S::width;
        first[i] = keys + key / key_lanes * dims * key_lanes + key % key_lanes;
    }
    for (size_t d = 0; d < dims; ++d) {
        V k[Vectors];
#pragma GCC unroll 2
        for (int i = 0; i < Vectors; ++i) k[i] = S::load(first[i] + d * key_lanes);
#pragma GCC unroll 12
        for (int r = 0; r < Rows; ++r) {
            const V factor = S::broadcast(q[static_cast<size_t>(r) * dims + d]);
#pragma GCC unroll 2
            for (int i = 0; i < Vectors; ++i) sums[r][i] = S::fma(factor, k[i], sums[r][i]);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int i = 0; i < Vectors; ++i)
            S::store(out + static_cast<size_t>(r) * out_stride + at + static_cast<size_t>(i) * S::width, sums[r][i]);
}

template <class S, int Rows>
void score_rows(const float *q, size_t dims, const float *keys, size_t count, float *out, size_t out_stride) {
    size_t at = 0;
    for (; at + 2 * S::width <= count; at += 2 * S::width) score_tile<S, Rows, 2>(q, dims, keys, at, out, out_stride);
    for (; at < count; at += S::width) score_tile<S, Rows, 1>(q, dims, keys, at, out, out_stride);
}

template <class S>
void scores(const float *q, size_t rows, size_t dims, const float *keys, size_t panels, float *out,
            size_t out_stride) {
    constexpr int most = 2 * S::tile_tokens;
    const size_t count = panels * key_lanes;
    size_t r = 0;
    for (; r + most <= rows; r += most) score_rows<S, most>(q + r * dims, dims, keys, count, out + r * out_stride, out_stride);
    for (; r + 4 <= rows; r += 4) score_rows<S, 4>(q + r * dims, dims, keys, count, out + r * out_stride, out_stride);
    for (; r < rows; ++r) score_rows<S, 1>(q + r * dims, dims, keys, count, out + r * out_stride, out_stride);
}

} // namespace
} // namespace quant::kernel::simd
