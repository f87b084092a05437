// Units of grid_panel_layout.h with points that are looked up, as panel_run.h takes them. Activations are turned to
// the order in which weights come. Sums of whole numbers have no order, so the numbers are those of GridUnit.
#pragma once

#include "kernel/avx512vnni/grid_lookup_points.h"

namespace quant::kernel::avx512vnni {
namespace {

/// With four columns of activations broadcast as the instruction's operand, which GCC 12 does not do of itself.
QUANT_INLINE void add_products(__m512i &sums, __m512i weights, const int8_t *four) {
    const auto *operand = reinterpret_cast<const char(*)[4]>(four);
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sums) : "v"(weights), "m"(*operand));
}

/// Activations of a unit, of which four columns 4 apart are neighbours, of each 16.
template <int T> struct TurnedUnit {
    alignas(64) int8_t planes[T][2][grid_columns];

    QUANT_INLINE TurnedUnit(const int8_t *from, size_t apart) {
        const __m512i order =
            _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t)
#pragma GCC unroll 2
            for (int p = 0; p < 2; ++p)
#pragma GCC unroll 4
                for (size_t at = 0; at < grid_columns; at += 64) {
                    const __m512i some = _mm512_loadu_si512(from + static_cast<size_t>(2 * t + p) * apart + at);
                    _mm512_store_si512(planes[t][p] + at, _mm512_shuffle_epi8(some, order));
                }
    }
};

template <quant_encoding Encoding> struct LookupUnit {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(Encoding);
    static constexpr PanelShape shape = shape_of(layout);
    using Traits = GridTraits<Encoding>;
    static constexpr float factor = Traits::factor;
    static constexpr int most_tokens = 8;
    static constexpr bool has_shift = requires { &Traits::shifted; };
    static constexpr int taken_off = bias_of<Encoding>;
    static constexpr int half_columns = 16;

    template <int T>
    static QUANT_INLINE void add_half(const HalfWeights &weights, const TurnedUnit<T> &x, size_t at, __m512i (&high)[T],
                                      __m512i (&low)[T]) {
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i)
#pragma GCC unroll 8
            for (int t = 0; t < T; ++t) {
                add_products(high[t], weights.of[i], x.planes[t][0] + at + i * 4);
                add_products(low[t], weights.of[i], x.planes[t][1] + at + i * 4);
            }
    }

    template <int T>
    static QUANT_INLINE void add(const std::byte *head, const std::byte *unit, const int8_t *planes, size_t apart,
                                 const StretchSums<T> &sums, size_t first, __m512 (&total)[T]) {
        constexpr size_t run_lines = (layout.unit_bytes() / 64 + grid_runs - 1) / grid_runs;
        const TurnedUnit<T> x(planes, apart);
        __m512 scaled[T];
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) scaled[t] = _mm512_setzero_ps();
        for (size_t r = 0; r < grid_runs; ++r) {
#pragma GCC unroll 4
            for (size_t l = 0; l < run_lines; ++l) prefetch_line(unit + (r * run_lines + l) * 64);
            const std::byte *run = unit + r * layout.run_bytes;
            HalfWeights weights[2];
            LookupTraits<Encoding>::look(unit, run, r, weights);
            __m512i high[T], low[T];
#pragma GCC unroll 2
            for (size_t h = 0; h < 2; ++h) {
                if (h == 0 || layout.group == half_columns) {
#pragma GCC unroll 8
                    for (int t = 0; t < T; ++t)
                        high[t] = _mm512_setzero_si512(), low[t] = _mm512_set1_epi32(sums.biased[t][first]);
                }
                add_half<T>(weights[h], x, r * 32 + h * half_columns, high, low);
                if (h == 0 && layout.group != half_columns) continue;
                const __m512 scale = Traits::scale(unit, run, r, h % (32 / layout.group));
#pragma GCC unroll 8
                for (int t = 0; t < T; ++t) {
                    __m512i dots = joined(high[t], low[t]);
                    if constexpr (has_shift) dots = Traits::shifted(unit, r, dots, -sums.biased[t][first] / taken_off);
                    scaled[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), scale, scaled[t]);
                }
                ++first;
            }
        }
        const __m512 d = unit_factors<Encoding>(head, unit);
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) total[t] = _mm512_fmadd_ps(scaled[t], d, total[t]);
    }
};

} // namespace
} // namespace quant::kernel::avx512vnni
