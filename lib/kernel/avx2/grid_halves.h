// Units of grid_panel_layout.h, as half_panel_run.h takes them. Points are gathered: four rows of a
// cell are a register, of which a row has two lanes, so that sums of both come together behind a
// group. Signs go to the activations, so that points are small unsigned bytes.
#pragma once

#include "kernel/avx2/grid_half_traits.h"
#include "kernel/avx2/half_panel_run.h"

namespace quant::kernel::avx2 {
namespace {

/// Eight activations in every two lanes.
QUANT_INLINE __m256i eight_columns(const int8_t *p) {
    long long eight;
    __builtin_memcpy(&eight, p, sizeof eight);
    return _mm256_set1_epi64x(eight);
}

/// -1 in bytes of four rows whose sign is set, else 1: for VPSIGNB.
QUANT_INLINE __m256i signs_of(const std::byte *four_rows) {
    const __m256i rows = _mm256_set1_epi32(static_cast<int>(simd::read_u32(four_rows)));
    const __m256i which = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
    const __m256i set = _mm256_and_si256(_mm256_shuffle_epi8(rows, which), bit);
    return _mm256_or_si256(_mm256_cmpeq_epi8(set, bit), every_byte(1));
}

/// Both lanes of eight rows as one.
QUANT_INLINE __m256i sums_of_rows(__m256i first_rows, __m256i last_rows) {
    return _mm256_permute4x64_epi64(_mm256_hadd_epi32(first_rows, last_rows), 0xd8);
}

template <class M, quant_encoding Encoding> struct GridUnit {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(Encoding);
    static constexpr PanelShape shape = shape_of(layout);
    using Traits = GridTraits<Encoding>;
    static constexpr float factor = Traits::factor;
    static constexpr bool has_signs = requires { &Traits::signs; };
    static constexpr bool has_shift = requires { &Traits::shifted; };
    using Dots = typename M::template PlaneDots<Traits::most, 1>;

    /// What a group is of: a run, its number in the unit and its signs, and the first cell.
    struct Group {
        const std::byte *unit, *run, *signs;
        size_t number, cell;
    };

    /// A group's sums of half `h` of the rows, of tokens whose activations begin at `a.planes`.
    template <int T>
    static QUANT_INLINE void add_group(const UnitArgs &a, const Group &of, size_t h, __m256i (&out)[T]) {
        Dots dots[T][2];
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t)
#pragma GCC unroll 2
            for (size_t k = 0; k < 2; ++k) dots[t][k].start(0);
#pragma GCC unroll 4
        for (size_t i = 0; i < layout.group / 8; ++i) {
            const size_t c = of.cell + i;
            __m256i points[2], signs[2];
            Traits::points(of.unit, of.run, of.number, c * 2 + h, points);
            if constexpr (has_signs)
#pragma GCC unroll 2
                for (size_t k = 0; k < 2; ++k) signs[k] = signs_of(of.signs + (c * 2 + h) * 8 + k * 4);
#pragma GCC unroll 4
            for (int t = 0; t < T; ++t) {
                const int8_t *x = a.planes + static_cast<size_t>(t) * 2 * a.apart + c * 8;
                const __m256i high = eight_columns(x), low = eight_columns(x + a.apart);
#pragma GCC unroll 2
                for (size_t k = 0; k < 2; ++k)
                    if constexpr (has_signs)
                        dots[t][k].add(static_cast<int>(i), points[k], _mm256_sign_epi8(high, signs[k]),
                                       _mm256_sign_epi8(low, signs[k]));
                    else
                        dots[t][k].add(static_cast<int>(i), points[k], high, low);
            }
        }
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) {
            constexpr int cells = layout.group / 8;
            const int32_t sum = a.sums[static_cast<size_t>(t) * a.groups];
            out[t] = sums_of_rows(dots[t][0].total(cells), dots[t][1].total(cells));
            if constexpr (!has_signs) out[t] = _mm256_sub_epi32(out[t], _mm256_set1_epi32(Traits::bias * sum));
            if constexpr (has_shift) out[t] = Traits::shifted(of.unit, of.number, h, out[t], sum);
        }
    }

    template <int T> static QUANT_INLINE void add_run(UnitArgs a, size_t r, RowSums<T> &scaled) {
        constexpr size_t run_groups = 32 / layout.group;
        const std::byte *run = a.unit + r * layout.run_bytes, *signs = nullptr;
        alignas(32) std::byte buffer[64];
        if constexpr (has_signs) signs = Traits::signs(run, buffer);
        a.planes += r * 32, a.sums += r * run_groups;
        for (size_t g = 0; g < run_groups; ++g, ++a.sums)
#pragma GCC unroll 2
            for (size_t h = 0; h < 2; ++h) {
                __m256i dots[T];
                add_group<T>(a, {a.unit, run, signs, r, g * layout.group / 8}, h, dots);
                const __m256 scale = Traits::scale(a.unit, run, r, g, h);
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t)
                    scaled[t][h] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[t]), scale, scaled[t][h]);
            }
    }

    template <int T> static QUANT_INLINE void add(const UnitArgs &a, RowSums<T> &total) {
        constexpr size_t run_lines = (layout.unit_bytes() / 64 + grid_runs - 1) / grid_runs;
        RowSums<T> scaled;
        clear<T>(scaled);
        for (size_t r = 0; r < grid_runs; ++r) {
            for (size_t l = 0; l < run_lines; ++l) prefetch_line(a.unit + (r * run_lines + l) * 64);
            add_run<T>(a, r, scaled);
        }
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; ++h) {
            __m256 d;
            if constexpr (layout.head_bytes != 0)
                d = eight_halves(a.head + h * half_rows * 2);
            else
                d = Traits::factors(a.unit, h);
#pragma GCC unroll 4
            for (int t = 0; t < T; ++t) total[t][h] = _mm256_fmadd_ps(scaled[t][h], d, total[t][h]);
        }
    }
};

} // namespace
} // namespace quant::kernel::avx2
