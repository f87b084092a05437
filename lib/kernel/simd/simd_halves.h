// Attention of few rows straight from keys and values in F16. Each is read once, so decoding them to
// memory first would cost more than the products; and what is read next is asked for on the way, a line
// at a time, so that the memory never waits. The sums are those of simd_scores.h and simd_gemm.h bit for bit.
#pragma once

#include "kernel/simd/simd_choices.h"

namespace quant::kernel::simd {
namespace {

// Tiles as registers allow: of 512 bits, or fewer or shorter ones.
template <class S> constexpr bool long_registers = S::width == 16;
template <class S> constexpr int half_columns = long_registers<S> ? 4 : 1;
template <class S> constexpr int half_panels = long_registers<S> ? 2 : 1;
template <class S> constexpr int half_rows_at_once = long_registers<S> ? 8 : 4;
constexpr size_t half_lane_bytes = 2 * key_lanes;

/// `Rows` queries by `Panels` times 16 keys.
template <class S, int Rows, int Panels>
QUANT_INLINE void half_score_tile(const HalfScores &a, size_t row, size_t panel, const std::byte *ahead) {
    typename S::Wide sums[Rows][Panels];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int i = 0; i < Panels; ++i) sums[r][i] = S::wide_zero();
    const size_t of_panel = a.dims * half_lane_bytes, at = panel * of_panel;
    const std::byte *keys = a.keys + at;
    const float *q = a.q + row * a.dims;
    for (size_t d = 0; d < a.dims; ++d) {
        // All lines of these panels' successors, in another order than they are read in here.
        prefetch_second_level(ahead + at + d * Panels * half_lane_bytes);
        typename S::Wide k[Panels];
#pragma GCC unroll 2
        for (int i = 0; i < Panels; ++i)
            k[i] = S::wide_load_f16(keys + static_cast<size_t>(i) * of_panel + d * half_lane_bytes);
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) {
            const auto factor = S::broadcast(q[static_cast<size_t>(r) * a.dims + d]);
#pragma GCC unroll 2
            for (int i = 0; i < Panels; ++i) sums[r][i] = S::wide_add_scaled(k[i], factor, sums[r][i]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
        for (int i = 0; i < Panels; ++i)
            S::wide_store(a.out + (row + static_cast<size_t>(r)) * a.out_stride +
                              (panel + static_cast<size_t>(i)) * key_lanes,
                          sums[r][i]);
}

template <class S> void half_scores(const HalfScores &a) {
    // Three queries that share a key are usual, five and seven are met.
    for_rows<half_rows_at_once<S>>(a.rows, [&]<int Rows>(size_t row) {
        const std::byte *ahead = row == 0 ? a.ahead : a.keys;
        constexpr size_t panels = half_panels<S>;
        size_t panel = 0;
        for (; panel + panels <= a.panels; panel += panels) half_score_tile<S, Rows, panels>(a, row, panel, ahead);
        if (panel < a.panels) half_score_tile<S, Rows, 1>(a, row, panel, ahead);
    });
}

/// `Rows` rows by `Columns` times 16 dimensions.
template <class S, int Rows, int Columns>
QUANT_INLINE void half_weighted_tile(const HalfWeightedSum &a, size_t row, size_t dim, const std::byte *ahead) {
    typename S::Wide sums[Rows][Columns];
    float *out = a.out + row * a.dims + dim;
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
        for (int c = 0; c < Columns; ++c)
            sums[r][c] = S::wide_mul(S::wide_load(out + static_cast<size_t>(r) * a.dims + static_cast<size_t>(c) * 16),
                                     S::broadcast(a.keep[row + static_cast<size_t>(r)]));
    for (size_t j = 0; j < a.positions; ++j) {
        const size_t at = (j * a.dims + dim) * 2;
        typename S::Wide values[Columns];
#pragma GCC unroll 4
        for (int c = 0; c < Columns; ++c) {
            if (c % 2 == 0) prefetch_second_level(ahead + at + c * half_lane_bytes);
            values[c] = S::wide_load_f16(a.values + at + static_cast<size_t>(c) * half_lane_bytes);
        }
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) {
            const auto weight = S::broadcast(a.p[(row + static_cast<size_t>(r)) * a.p_stride + j]);
#pragma GCC unroll 4
            for (int c = 0; c < Columns; ++c) sums[r][c] = S::wide_add_scaled(values[c], weight, sums[r][c]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
        for (int c = 0; c < Columns; ++c)
            S::wide_store(out + static_cast<size_t>(r) * a.dims + static_cast<size_t>(c) * 16, sums[r][c]);
}

template <class S> void half_weighted_sum(const HalfWeightedSum &a) {
    for_rows<4>(a.rows, [&]<int Rows>(size_t row) {
        const std::byte *ahead = row == 0 ? a.ahead : a.values;
        constexpr size_t columns = half_columns<S>;
        size_t dim = 0;
        for (; dim + columns * 16 <= a.dims; dim += columns * 16)
            half_weighted_tile<S, Rows, columns>(a, row, dim, ahead);
        for (; dim < a.dims; dim += 16) half_weighted_tile<S, Rows, 1>(a, row, dim, ahead);
    });
}

} // namespace
} // namespace quant::kernel::simd
