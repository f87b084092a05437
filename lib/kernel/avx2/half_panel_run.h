// A panel of 16 rows times one or a few tokens, in registers of eight rows. Weights come as one
// stream from memory, which is what the time goes to; activations, in two planes of bytes, stay in
// the first-level cache. How bytes are multiplied is a parameter of the units; integers are exact
// and floats are added in the order of the tiers with longer registers, so that numbers are the same.
#pragma once

#include "kernel/avx2/avx2_bytes.h"
#include "kernel/kernel_table.h"
#include "kernel/panel_shape.h"
#include "kernel/simd/simd_choices.h"

namespace quant::kernel::avx2 {
namespace {

/// Bytes of the stream that are asked for ahead of use: into the second-level cache, which waits
/// for more lines at a time, and from there into the first.
constexpr size_t far_ahead = 8192, near_ahead = 1024;

QUANT_INLINE void prefetch_line(const std::byte *p) {
    _mm_prefetch(reinterpret_cast<const char *>(p) + far_ahead, _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char *>(p) + near_ahead, _MM_HINT_T0);
}

/// Sums of 16 rows and `T` tokens.
template <int T> using RowSums = __m256[T][2];

template <int T> QUANT_INLINE void clear(RowSums<T> &sums) {
#pragma GCC unroll 4
    for (int t = 0; t < T; ++t) sums[t][0] = sums[t][1] = _mm256_setzero_ps();
}

/// What a unit multiplies: its own bytes, and activations of the first token from its columns on.
struct UnitArgs {
    const std::byte *head, *unit;
    const int8_t *planes;
    size_t apart; ///< Planes, in bytes.
    const int32_t *sums;
    size_t groups; ///< Sums of a token.
};

/// Walks a panel with the first `T` tokens. A Unit is a class of static members: its `shape`, how
/// its sums are scaled in the end, and
///   add<T>(args, total)
/// which adds the tokens' sums over a unit, in units of the activations' scale.
template <class Unit, int T> void run_panel(const PanelProduct &a, size_t first) {
    constexpr PanelShape shape = Unit::shape;
    const int8_t *planes = a.planes + first * 2 * a.plane_stride;
    const float *scales = a.scales + first * a.stretches;
    const int32_t *sums = a.sums + first * a.groups;
    const std::byte *head = a.panel, *unit = a.panel + shape.head(a.columns);
    for (size_t at = 0; at < shape.head(a.columns); at += 64) prefetch_line(head + at);
    RowSums<T> y;
    clear<T>(y);
    for (size_t at = 0, stretch = 0; at < a.columns; at += PlaneTokens::stretch, ++stretch) {
        const size_t left = a.columns - at, n = left < PlaneTokens::stretch ? left : PlaneTokens::stretch;
        RowSums<T> total;
        clear<T>(total);
        for (size_t k = 0; k < n; k += shape.unit_columns, unit += shape.unit_bytes, head += shape.head_bytes)
            Unit::template add<T>(
                {head, unit, planes + at + k, a.plane_stride, sums + (at + k) / shape.sums_group, a.groups}, total);
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) {
            const __m256 scale =
                _mm256_set1_ps(Unit::factor * scales[static_cast<size_t>(t) * a.stretches + stretch]);
            y[t][0] = _mm256_fmadd_ps(total[t][0], scale, y[t][0]);
            y[t][1] = _mm256_fmadd_ps(total[t][1], scale, y[t][1]);
        }
    }
    for (int t = 0; t < T; ++t)
        for (size_t h = 0; h < 2; ++h)
            HalfRow(a.y + (first + static_cast<size_t>(t)) * a.y_stride, a.rows, h).store(y[t][h]);
}

template <class Unit> void panel_product(const PanelProduct &a) {
    simd::for_tokens<4>(a.tokens, [&]<int T>(size_t first) { run_panel<Unit, T>(a, first); });
}

} // namespace
} // namespace quant::kernel::avx2
