// Units of grid_panel_layout.h, as panel_run.h takes them. Points are gathered: eight rows of a
// cell are a register, of which a row has two lanes, so that sums of both come together behind a
// group.
#pragma once

#include "kernel/avx512vnni/grid_panel_traits.h"

namespace quant::kernel::avx512vnni {
namespace {

/// Eight activations in every two lanes.
QUANT_INLINE __m512i eight_columns(const int8_t *p) {
    long long eight;
    __builtin_memcpy(&eight, p, sizeof eight);
    return _mm512_set1_epi64(eight);
}

/// Both lanes of 16 rows as one.
QUANT_INLINE __m512i sums_of_rows(__m512i first_rows, __m512i last_rows) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    return _mm512_add_epi32(_mm512_permutex2var_epi32(first_rows, even, last_rows),
                            _mm512_permutex2var_epi32(first_rows, odd, last_rows));
}

/// Two lanes that add up to `sum`.
QUANT_INLINE __m512i in_two_lanes(int32_t sum) {
    const int32_t half = sum / 2;
    const uint64_t both = static_cast<uint64_t>(static_cast<uint32_t>(sum - half)) << 32 | static_cast<uint32_t>(half);
    return _mm512_set1_epi64(static_cast<long long>(both));
}

template <quant_encoding Encoding> struct GridUnit {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(Encoding);
    static constexpr PanelShape shape = shape_of(layout);
    using Traits = GridTraits<Encoding>;
    static constexpr float factor = Traits::factor;
    static constexpr int most_tokens = 4;
    static constexpr bool has_signs = requires { &Traits::signs; };
    static constexpr bool has_shift = requires { &Traits::shifted; };
    static constexpr int bias = bias_of<Encoding>;

    /// A group's sums of 16 rows, of tokens whose activations begin at `x`.
    template <int T>
    static QUANT_INLINE void add_group(const std::byte *unit, const std::byte *run, size_t number, size_t first_cell,
                                       const std::byte *signs, const int8_t *x, size_t apart, const int32_t *sums,
                                       size_t groups, __m512i (&out)[T]) {
        __m512i high[T][2], low[T][2];
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
            high[t][0] = high[t][1] = _mm512_setzero_si512();
            low[t][0] = low[t][1] = in_two_lanes(-bias * sums[static_cast<size_t>(t) * groups]);
        }
#pragma GCC unroll 4
        for (size_t c = first_cell; c < first_cell + layout.group / 8; ++c) {
            __m512i points[2];
#pragma GCC unroll 2
            for (size_t h = 0; h < 2; ++h) {
                points[h] = Traits::points(unit, run, number, c * 2 + h);
                if constexpr (has_signs) {
                    __mmask64 minus;
                    __builtin_memcpy(&minus, signs + (c * 2 + h) * 8, sizeof minus);
                    points[h] = _mm512_mask_sub_epi8(points[h], minus, _mm512_setzero_si512(), points[h]);
                }
            }
#pragma GCC unroll 8
            for (int t = 0; t < T; ++t) {
                const int8_t *of = x + static_cast<size_t>(t) * 2 * apart + c * 8;
                const __m512i upper = eight_columns(of), lower = eight_columns(of + apart);
#pragma GCC unroll 2
                for (int h = 0; h < 2; ++h) {
                    high[t][h] = _mm512_dpbusd_epi32(high[t][h], points[h], upper);
                    low[t][h] = _mm512_dpbusd_epi32(low[t][h], points[h], lower);
                }
            }
        }
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
            out[t] = sums_of_rows(joined(high[t][0], low[t][0]), joined(high[t][1], low[t][1]));
            if constexpr (has_shift)
                out[t] = Traits::shifted(unit, number, out[t], sums[static_cast<size_t>(t) * groups]);
        }
    }

    template <int T>
    static QUANT_INLINE void add(const std::byte *head, const std::byte *unit, const int8_t *planes, size_t apart,
                                 const int32_t *sums, size_t groups, __m512 (&total)[T]) {
        constexpr size_t run_groups = 32 / layout.group,
                         run_lines = (layout.unit_bytes() / 64 + grid_runs - 1) / grid_runs;
        __m512 scaled[T];
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) scaled[t] = _mm512_setzero_ps();
        for (size_t r = 0; r < grid_runs; ++r, planes += 32) {
#pragma GCC unroll 4
            for (size_t l = 0; l < run_lines; ++l) prefetch_line(unit + (r * run_lines + l) * 64);
            const std::byte *run = unit + r * layout.run_bytes, *signs = nullptr;
            alignas(64) std::byte buffer[64];
            if constexpr (has_signs) signs = Traits::signs(run, buffer);
#pragma GCC unroll 2
            for (size_t g = 0; g < run_groups; ++g, ++sums) {
                __m512i dots[T];
                add_group<T>(unit, run, r, g * layout.group / 8, signs, planes, apart, sums, groups, dots);
                const __m512 scale = Traits::scale(unit, run, r, g);
#pragma GCC unroll 8
                for (int t = 0; t < T; ++t) scaled[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[t]), scale, scaled[t]);
            }
        }
        const __m512 d = unit_factors<Encoding>(head, unit);
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) total[t] = _mm512_fmadd_ps(scaled[t], d, total[t]);
    }
};

} // namespace
} // namespace quant::kernel::avx512vnni
