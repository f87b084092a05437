// Units of panel_layout.h, as panel_run.h takes them.
#pragma once

#include "kernel/avx512vnni/panel_run.h"

namespace quant::kernel::avx512vnni {
namespace {

/// Levels of the table of 16, with 128 added.
QUANT_INLINE __m512i biased_levels(__m512i codes) {
    const __m128i table = _mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, static_cast<char>(129), static_cast<char>(141),
                                        static_cast<char>(153), static_cast<char>(166), static_cast<char>(181),
                                        static_cast<char>(197), static_cast<char>(217), static_cast<char>(241));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), codes);
}

/// Quad `q` of a unit: 16 rows of 4 columns, as unsigned bytes.
template <PanelLayout L>
QUANT_INLINE __m512i quad(const std::byte *unit, size_t q) {
    constexpr size_t together = 8 / L.low_bits;
    __m512i codes = field<L.low_bits>(load64(unit + q / together * quad_bytes), static_cast<int>(q % together), 0);
    if constexpr (L.high_bits != 0) {
        constexpr size_t high_together = 8 / L.high_bits;
        const __m512i high = load64(unit + L.high_at() + q / high_together * quad_bytes);
        codes = _mm512_or_si512(codes, field<L.high_bits>(high, static_cast<int>(q % high_together), L.low_bits));
    }
    if constexpr (L.table) codes = biased_levels(codes);
    return codes;
}

template <PanelLayout L>
QUANT_INLINE __m512 scale_of(const std::byte *unit, size_t g) {
    if constexpr (L.scale_codes == ScaleCodes::none) {
        return halves(unit + L.d_at() + g * panel_rows * 2);
    } else if constexpr (L.scale_codes == ScaleCodes::six_bits) {
        const __m512i low = _mm512_cvtepu8_epi32(x86::load16(unit + L.scales_at() + g % 8 * panel_rows));
        const __m512i high = _mm512_cvtepu8_epi32(x86::load16(unit + L.scales_at() + (8 + g % 4) * panel_rows));
        const __m128i low_shift = _mm_cvtsi32_si128(static_cast<int>(g / 8 * 4));
        const __m128i high_shift = _mm_cvtsi32_si128(static_cast<int>(g / 4 * 2));
        const __m512i four = _mm512_and_si512(_mm512_srl_epi32(low, low_shift), _mm512_set1_epi32(15));
        const __m512i two = _mm512_and_si512(_mm512_srl_epi32(high, high_shift), _mm512_set1_epi32(3));
        const __m512i six = _mm512_or_si512(four, _mm512_slli_epi32(two, 4));
        return _mm512_cvtepi32_ps(_mm512_sub_epi32(six, _mm512_set1_epi32(32)));
    } else {
        const __m128i bytes = x86::load16(unit + L.scales_at() + g * panel_rows);
        if constexpr (L.scale_codes == ScaleCodes::signed_bytes) return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
        const __m512i numbers = _mm512_cvtepu8_epi32(bytes);
        if constexpr (L.scale_codes == ScaleCodes::nibbles)
            return _mm512_cvtepi32_ps(_mm512_and_si512(numbers, _mm512_set1_epi32(15)));
        return _mm512_cvtepi32_ps(numbers);
    }
}

/// What is to be subtracted, times the sum of activations; not yet times dmin where that is of the unit. Of zero points
/// not yet times d.
template <PanelLayout L>
QUANT_INLINE __m512 minimum_of(const std::byte *unit, size_t g) {
    if constexpr (L.scale_codes == ScaleCodes::none) return halves(unit + L.dmin_at() + g * panel_rows * 2);
    if constexpr (L.scale_codes == ScaleCodes::nibbles)
        return _mm512_cvtepi32_ps(
            _mm512_srli_epi32(_mm512_cvtepu8_epi32(x86::load16(unit + L.scales_at() + g * panel_rows)), 4));
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(x86::load16(unit + L.minimums_at() + g * panel_rows)));
}

/// Where the planes of `T` tokens are: 2 * token + plane, a multiple of `apart` each. Of eight, five
/// pointers and what an address can add to them reach all; the compiler alone would keep sixteen, most of
/// them in memory, and load one for each product.
template <int T>
struct PlanePlaces {
    const int8_t *first, *third = nullptr, *fifth = nullptr, *tenth = nullptr, *last = nullptr;
    size_t apart;

    QUANT_INLINE PlanePlaces(const int8_t *planes, size_t c) : first(planes), apart(c) {
        if constexpr (T > 2) third = planes + 3 * c, fifth = planes + 5 * c;
        if constexpr (T > 4) tenth = planes + 10 * c, last = planes + 15 * c;
    }
    QUANT_INLINE void move_on(size_t by) {
        first += by;
        // Hidden from the compiler, which would make pointers of its own of them for later.
        if constexpr (T > 2) {
            third += by, fifth += by;
            __asm__("" : "+r"(first), "+r"(third), "+r"(fifth));
        }
        if constexpr (T > 4) {
            tenth += by, last += by;
            __asm__("" : "+r"(tenth), "+r"(last));
        }
    }
    QUANT_INLINE const int8_t *of(int token, int plane) const {
        switch (2 * token + plane) {
        case 0: return first;
        case 1: return first + apart;
        case 2: return first + 2 * apart;
        case 3: return T > 2 ? third : first + 3 * apart;
        case 4: return first + 4 * apart;
        case 5: return fifth;
        case 6: return fifth + apart;
        case 7: return fifth + 2 * apart;
        case 8: return first + 8 * apart;
        case 9: return fifth + 4 * apart;
        case 10: return tenth;
        case 11: return tenth + apart;
        case 12: return tenth + 2 * apart;
        case 13: return fifth + 8 * apart;
        case 14: return tenth + 4 * apart;
        default: return last;
        }
    }
};

/// A group's sums of both planes as one, for `T` tokens: `start` is what each begins with.
template <PanelLayout L, int T>
QUANT_INLINE void add_group(const std::byte *unit, size_t g, PlanePlaces<T> &planes, const __m512i (&start)[T],
                            __m512i (&out)[T]) {
    constexpr size_t quads = L.group / 4;
    __m512i high[T], low[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) high[t] = _mm512_setzero_si512(), low[t] = start[t];
#pragma GCC unroll 8
    for (size_t i = 0; i < quads; ++i) {
        const __m512i codes = quad<L>(unit, g * quads + i);
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
            high[t] = _mm512_dpbusd_epi32(high[t], codes, four_columns(planes.of(t, 0)));
            low[t] = _mm512_dpbusd_epi32(low[t], codes, four_columns(planes.of(t, 1)));
        }
        planes.move_on(4);
    }
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) out[t] = joined(high[t], low[t]);
}

/// What minimums take off the sums over a unit, not yet times dmin where that is of the unit.
template <PanelLayout L, int T>
QUANT_INLINE void add_minimums(const std::byte *unit, const StretchSums<T> &sums, size_t first, __m512 (&least)[T]) {
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) least[t] = _mm512_setzero_ps();
    for (size_t g = 0; g < L.groups(); ++g) {
        const __m512 minimum = minimum_of<L>(unit, g);
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t)
            least[t] = _mm512_fmadd_ps(minimum, _mm512_set1_ps(sums.whole[t][first + g]), least[t]);
    }
}

/// The first `T` tokens' sums over a unit, in units of the activations' scale; `first` is its first
/// group among the stretch's.
template <PanelLayout L, int T>
QUANT_INLINE void add_plane_unit(const std::byte *unit, const int8_t *planes, size_t apart,
                                 const StretchSums<T> &sums, size_t first, __m512 (&total)[T]) {
    __m512 scaled[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) scaled[t] = _mm512_setzero_ps();
    constexpr size_t unit_groups = L.groups();
    PlanePlaces<T> places(planes, apart);
    constexpr size_t lines = L.unit_bytes() / 64, lines_a_group = (lines + unit_groups - 1) / unit_groups;
#pragma GCC unroll 2
    for (size_t g = 0; g < unit_groups; ++g) {
#pragma GCC unroll 8
        for (size_t i = 0; i < lines_a_group; ++i) prefetch_line(unit + (g * lines_a_group + i) * 64);
        __m512i start[T], dots[T];
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t)
            start[t] = L.bias == 0 ? _mm512_setzero_si512() : _mm512_set1_epi32(sums.biased[t][first + g]);
        add_group<L, T>(unit, g, places, start, dots);
        const __m512 scale = scale_of<L>(unit, g);
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
            __m512 whole = _mm512_cvtepi32_ps(dots[t]);
            if constexpr (L.zero)
                whole = _mm512_fnmadd_ps(minimum_of<L>(unit, g), _mm512_set1_ps(sums.whole[t][first + g]), whole);
            scaled[t] = _mm512_fmadd_ps(whole, scale, scaled[t]);
        }
    }
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
        if constexpr (L.super_blocks())
            total[t] = _mm512_fmadd_ps(scaled[t], halves(unit + L.d_at()), total[t]);
        else
            total[t] = _mm512_add_ps(total[t], scaled[t]);
    }
    if constexpr (L.minimum) {
        __m512 least[T];
        add_minimums<L, T>(unit, sums, first, least);
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
            if constexpr (L.super_blocks())
                total[t] = _mm512_fnmadd_ps(least[t], halves(unit + L.dmin_at()), total[t]);
            else
                total[t] = _mm512_sub_ps(total[t], least[t]);
        }
    }
}

template <quant_encoding Encoding>
struct PlaneUnit {
    static constexpr PanelLayout layout = *find_panel_layout(Encoding);
    static constexpr PanelShape shape = shape_of(layout);
    static constexpr float factor = 1;
    static constexpr int most_tokens = 8;
    static constexpr int taken_off = layout.bias;

    template <int T>
    static QUANT_INLINE void add(const std::byte *, const std::byte *unit, const int8_t *planes, size_t apart,
                                 const StretchSums<T> &sums, size_t first, __m512 (&total)[T]) {
        add_plane_unit<layout, T>(unit, planes, apart, sums, first, total);
    }
};

} // namespace
} // namespace quant::kernel::avx512vnni
