// Units of panel_layout.h, as half_panel_run.h takes them.
#pragma once

#include "kernel/avx2/half_panel_run.h"
#include "kernel/simd/simd_blocks.h"

namespace quant::kernel::avx2 {
namespace {

/// The largest byte that stands for a level.
template <PanelLayout L> constexpr int most_code = L.table ? 255 : (1 << (L.low_bits + L.high_bits)) - 1;

/// Half `h` of quad `q` of a unit: 8 rows of 4 columns, as unsigned bytes, or as signed ones where
/// levels are of eight bits.
template <PanelLayout L, bool Signed> QUANT_INLINE __m256i half_quad(const std::byte *unit, size_t q, size_t h) {
    constexpr size_t together = 8 / L.low_bits;
    const std::byte *at = unit + h * half_bytes;
    __m256i codes = field<L.low_bits>(load32(at + q / together * quad_bytes), static_cast<int>(q % together), 0);
    if constexpr (L.high_bits != 0) {
        constexpr size_t high_together = 8 / L.high_bits;
        const __m256i high = load32(at + L.high_at() + q / high_together * quad_bytes);
        codes = _mm256_or_si256(codes, field<L.high_bits>(high, static_cast<int>(q % high_together), L.low_bits));
    }
    if constexpr (L.table) {
        const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i *>(simd::table_of_16));
        return _mm256_shuffle_epi8(twice(Signed ? levels : _mm_xor_si128(levels, _mm_set1_epi8(-128))), codes);
    }
    return Signed ? _mm256_xor_si256(codes, every_byte(0x80)) : codes;
}

/// Of half `h` of the rows, the scales of a group.
template <PanelLayout L> QUANT_INLINE __m256 scale_of(const std::byte *unit, size_t g, size_t h) {
    const std::byte *scales = unit + L.scales_at() + h * half_rows;
    if constexpr (L.scale_codes == ScaleCodes::none) {
        return eight_halves(unit + L.d_at() + (g * panel_rows + h * half_rows) * 2);
    } else if constexpr (L.scale_codes == ScaleCodes::six_bits) {
        const __m128i low_shift = _mm_cvtsi32_si128(static_cast<int>(g / 8 * 4));
        const __m128i high_shift = _mm_cvtsi32_si128(static_cast<int>(g / 4 * 2));
        const __m256i low = _mm256_srl_epi32(eight_bytes(scales + g % 8 * panel_rows), low_shift);
        const __m256i high = _mm256_srl_epi32(eight_bytes(scales + (8 + g % 4) * panel_rows), high_shift);
        const __m256i six = _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi32(15)),
                                            _mm256_slli_epi32(_mm256_and_si256(high, _mm256_set1_epi32(3)), 4));
        return _mm256_cvtepi32_ps(_mm256_sub_epi32(six, _mm256_set1_epi32(32)));
    } else if constexpr (L.scale_codes == ScaleCodes::signed_bytes) {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(load8(scales + g * panel_rows)));
    } else {
        const __m256i numbers = eight_bytes(scales + g * panel_rows);
        return _mm256_cvtepi32_ps(
            L.scale_codes == ScaleCodes::nibbles ? _mm256_and_si256(numbers, _mm256_set1_epi32(15)) : numbers);
    }
}

/// What is to be subtracted, times the sum of activations; not yet times dmin where that is of the unit.
template <PanelLayout L> QUANT_INLINE __m256 minimum_of(const std::byte *unit, size_t g, size_t h) {
    if constexpr (L.scale_codes == ScaleCodes::none)
        return eight_halves(unit + L.dmin_at() + (g * panel_rows + h * half_rows) * 2);
    else if constexpr (L.scale_codes == ScaleCodes::nibbles)
        return _mm256_cvtepi32_ps(
            _mm256_srli_epi32(eight_bytes(unit + L.scales_at() + g * panel_rows + h * half_rows), 4));
    else
        return _mm256_cvtepi32_ps(eight_bytes(unit + L.minimums_at() + g * panel_rows + h * half_rows));
}

/// `M` is how bytes are multiplied: Maddubs or Dpbusd.
template <class M, quant_encoding Encoding> struct PlaneUnit {
    static constexpr PanelLayout layout = *find_panel_layout(Encoding);
    static constexpr PanelShape shape = shape_of(layout);
    static constexpr float factor = 1;
    /// Quads of a group are added up so many at a time, whose numbers are known to the compiler.
    static constexpr int chunk_quads = 8, last_quads = layout.group / 4 < 8 ? layout.group / 4 : 8;
    template <int T> using Dots = typename M::template PlaneDots<most_code<layout>, T == 1 ? 2 : 1>;

    template <int T> static QUANT_INLINE void add(const UnitArgs &a, RowSums<T> &total) {
        // Sums of four tokens and both halves would not fit in 16 registers.
        constexpr int together = T > 2 ? 1 : 2;
#pragma GCC unroll 2
        for (int h = 0; h < 2; h += together) add_halves<T, together>(a, h, total);
    }

    /// Whole sums of a group, of `H` halves from `first` on.
    template <int T, int H>
    static QUANT_INLINE void group_dots(const UnitArgs &a, size_t g, int first, Dots<T> (&dots)[T][H]) {
        // Signed codes are less by 128 than unsigned ones.
        constexpr int bias = layout.bias - (Dots<T>::signed_codes ? 128 : 0), quads = layout.group / 4;
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t)
#pragma GCC unroll 2
            for (int h = 0; h < H; ++h)
                dots[t][h].start(bias == 0 ? 0 : -bias * a.sums[static_cast<size_t>(t) * a.groups + g]);
        for (int chunk = 0; chunk < quads; chunk += chunk_quads) {
            if (chunk != 0) {
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t)
#pragma GCC unroll 2
                    for (int h = 0; h < H; ++h) dots[t][h].start_from(dots[t][h].total(chunk_quads));
            }
#pragma GCC unroll 8
            for (int i = 0; i < (quads < chunk_quads ? quads : chunk_quads); ++i) {
                const size_t q = g * quads + static_cast<size_t>(chunk + i);
                __m256i codes[H];
#pragma GCC unroll 2
                for (int h = 0; h < H; ++h)
                    codes[h] = half_quad<layout, Dots<T>::signed_codes>(a.unit, q, static_cast<size_t>(first + h));
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) {
                    const int8_t *x = a.planes + static_cast<size_t>(t) * 2 * a.apart + q * 4;
                    const __m256i high = four_columns(x), low = four_columns(x + a.apart);
#pragma GCC unroll 2
                    for (int h = 0; h < H; ++h) dots[t][h].add(i, codes[h], high, low);
                }
            }
        }
    }

    template <int T, int H> static QUANT_INLINE void add_halves(const UnitArgs &a, int first, RowSums<T> &total) {
        constexpr size_t lines = layout.unit_bytes() / 64;
        constexpr size_t lines_a_group = (lines + layout.groups() - 1) / layout.groups();
        __m256 scaled[T][H], least[T][H];
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t)
#pragma GCC unroll 2
            for (int h = 0; h < H; ++h) scaled[t][h] = least[t][h] = _mm256_setzero_ps();
        for (size_t g = 0; g < layout.groups(); ++g) {
            if (first == 0)
                for (size_t i = 0; i < lines_a_group; ++i) prefetch_line(a.unit + (g * lines_a_group + i) * 64);
            Dots<T> dots[T][H];
            group_dots<T, H>(a, g, first, dots);
#pragma GCC unroll 2
            for (int h = 0; h < H; ++h) {
                const __m256 scale = scale_of<layout>(a.unit, g, static_cast<size_t>(first + h));
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) {
                    __m256 whole = _mm256_cvtepi32_ps(dots[t][h].total(last_quads));
                    if constexpr (layout.zero) {
                        const auto sum = static_cast<float>(a.sums[static_cast<size_t>(t) * a.groups + g]);
                        whole = _mm256_fnmadd_ps(minimum_of<layout>(a.unit, g, static_cast<size_t>(first + h)),
                                                 _mm256_set1_ps(sum), whole);
                    }
                    scaled[t][h] = _mm256_fmadd_ps(whole, scale, scaled[t][h]);
                }
                if constexpr (layout.minimum) {
                    const __m256 minimum = minimum_of<layout>(a.unit, g, static_cast<size_t>(first + h));
#pragma GCC unroll 4
                    for (int t = 0; t < T; ++t) {
                        const auto sum = static_cast<float>(a.sums[static_cast<size_t>(t) * a.groups + g]);
                        least[t][h] = _mm256_fmadd_ps(minimum, _mm256_set1_ps(sum), least[t][h]);
                    }
                }
            }
        }
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t)
#pragma GCC unroll 2
            for (int h = 0; h < H; ++h) add_scaled(a.unit, first + h, scaled[t][h], least[t][h], total[t][first + h]);
    }

    static QUANT_INLINE void add_scaled(const std::byte *unit, int h, __m256 scaled, __m256 least, __m256 &total) {
        const size_t at = static_cast<size_t>(h) * half_rows * 2;
        if constexpr (layout.super_blocks()) {
            total = _mm256_fmadd_ps(scaled, eight_halves(unit + layout.d_at() + at), total);
            if constexpr (layout.minimum)
                total = _mm256_fnmadd_ps(least, eight_halves(unit + layout.dmin_at() + at), total);
        } else {
            total = _mm256_add_ps(total, scaled);
            if constexpr (layout.minimum) total = _mm256_sub_ps(total, least);
        }
    }
};

} // namespace
} // namespace quant::kernel::avx2
