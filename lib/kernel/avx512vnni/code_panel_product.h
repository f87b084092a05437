// Units of code_panel_layout.h, as panel_run.h takes them.
#pragma once

#include "kernel/avx512vnni/panel_run.h"

namespace quant::kernel::avx512vnni {
namespace {

/// Doubled levels of 4-bit floats, with 12 added.
QUANT_INLINE __m512i float4_bytes(__m512i codes) {
    const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i *>(float4_level));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_add_epi8(levels, _mm_set1_epi8(12))), codes);
}

/// What differs from one encoding to the next: quads of a line as unsigned bytes, what these are
/// too large by, how many units of the weight's level they count, and scales.
template <quant_encoding Encoding> struct CodeTraits;

struct HalfScales {
    static QUANT_INLINE __m512 scale(const std::byte *head) { return halves(head); }
};

/// Two bits a code, a level higher by one.
struct TwoBits : HalfScales {
    static constexpr int bias = 1;
    static constexpr float factor = 1;
    static QUANT_INLINE void quads(__m512i line, __m512i (&out)[4]) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) out[i] = field<2>(line, i, 0);
    }
};
template <> struct CodeTraits<QUANT_TQ2_0> : TwoBits {};
template <> struct CodeTraits<QUANT_Q2_0> : TwoBits {};

/// A bit means -1 or 1: it counts twice.
template <> struct CodeTraits<QUANT_Q1_0> : HalfScales {
    static constexpr int bias = 1;
    static constexpr float factor = 1;
    static QUANT_INLINE void quads(__m512i line, __m512i (&out)[8]) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) out[i] = field<1>(line, i, 1);
    }
    /// Bits where they stand, in the line or four places further down: a set one comes out as 2^(i % 4) in quad i,
    /// where 2 is meant. Sums of each place's own make up for that once a group, which saves most of the shifts.
    static constexpr int places = 4;
    static QUANT_INLINE void quads_in_place(__m512i line, __m512i (&out)[8]) {
        const __m512i down = shifted_down(line, places);
#pragma GCC unroll 4
        for (int i = 0; i < places; ++i) {
            out[i] = _mm512_and_si512(line, every_byte(1 << i));
            out[places + i] = _mm512_and_si512(down, every_byte(1 << i));
        }
    }
    static constexpr int plain_place = 1; ///< Whose sums are in units of the level.
    static QUANT_INLINE __m512i total(const __m512i (&sums)[places]) {
        return _mm512_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(sums[0], 1), sums[1]),
                                _mm512_add_epi32(_mm512_srai_epi32(sums[2], 1), _mm512_srai_epi32(sums[3], 2)));
    }
};

/// A digit stands in the top bits, so 64 is one; 64 more than that is the first digit's.
template <> struct CodeTraits<QUANT_TQ1_0> : HalfScales {
    static constexpr int bias = 128;
    static constexpr float factor = 1.0f / 64;
    static QUANT_INLINE void quads(__m512i line, __m512i (&out)[5]) {
        __m512i rest = line;
#pragma GCC unroll 5
        for (int i = 0; i < 5; ++i) {
            const __m512i mean = _mm512_avg_epu8(rest, every_byte(ternary_middle));
            out[i] = _mm512_and_si512(_mm512_avg_epu8(rest, mean), every_byte(0xc0));
            rest = _mm512_add_epi8(rest, _mm512_add_epi8(rest, rest));
        }
    }
};

struct Float4 {
    static constexpr int bias = 12;
    static QUANT_INLINE void quads(__m512i line, __m512i (&out)[2]) {
        out[0] = float4_bytes(field<4>(line, 0, 0));
        out[1] = float4_bytes(field<4>(line, 1, 0));
    }
};

template <> struct CodeTraits<QUANT_MXFP4> : Float4 {
    static constexpr float factor = 1;
    /// 2^(byte - 128), of which the two smallest are subnormal.
    static QUANT_INLINE __m512 scale(const std::byte *head) {
        const __m512i exponents = _mm512_cvtepu8_epi32(x86::load16(head));
        return _mm512_scalef_ps(_mm512_set1_ps(1),
                                _mm512_cvtepi32_ps(_mm512_sub_epi32(exponents, _mm512_set1_epi32(128))));
    }
};

template <> struct CodeTraits<QUANT_NVFP4> : Float4 {
    static constexpr float factor = 128;
    /// Four bits of exponent and three of fraction are a half with other limits.
    static QUANT_INLINE __m512 scale(const std::byte *head) {
        return _mm512_cvtph_ps(_mm256_slli_epi16(_mm256_cvtepu8_epi16(x86::load16(head)), 7));
    }
};

template <quant_encoding Encoding> struct CodeUnit {
    static constexpr CodePanelLayout layout = *find_code_panel_layout(Encoding);
    static constexpr PanelShape shape = shape_of(layout);
    using Traits = CodeTraits<Encoding>;
    static constexpr float factor = Traits::factor;
    static constexpr int most_tokens = 4;

    /// Whether bits stay where they stand: their sums are more than the registers hold for several tokens.
    template <int T> static constexpr bool in_place = T == 1 && requires { Traits::places; };
    /// Sums of one token over a long group would wait for each other: every second quad has its own, or every place.
    template <int T>
    static constexpr int sets = [] {
        if constexpr (in_place<T>)
            return Traits::places;
        else
            return T == 1 && layout.group > 16 ? 2 : 1;
    }();
    template <int T>
    static constexpr int unshifted = [] {
        if constexpr (in_place<T>)
            return Traits::plain_place;
        else
            return 0;
    }();

    /// A line of up to `layout.quads` quads.
    template <int T, size_t Quads>
    static QUANT_INLINE void add_line(const std::byte *line, const int8_t *x, size_t apart, __m512i (&high)[T][sets<T>],
                                      __m512i (&low)[T][sets<T>]) {
        __m512i codes[layout.quads];
        prefetch_line(line);
        if constexpr (in_place<T>)
            Traits::quads_in_place(load64(line), codes);
        else
            Traits::quads(load64(line), codes);
#pragma GCC unroll 8
        for (size_t i = 0; i < Quads; ++i)
#pragma GCC unroll 8
            for (int t = 0; t < T; ++t) {
                const int8_t *of = x + static_cast<size_t>(t) * 2 * apart + i * 4;
                __m512i &upper = high[t][i % sets<T>], &lower = low[t][i % sets<T>];
                upper = _mm512_dpbusd_epi32(upper, codes[i], four_columns(of));
                lower = _mm512_dpbusd_epi32(lower, codes[i], four_columns(of + apart));
            }
    }

    /// What the sets make together, in both planes.
    template <int T> static QUANT_INLINE __m512i dots(const __m512i (&high)[sets<T>], const __m512i (&low)[sets<T>]) {
        if constexpr (in_place<T>) return joined(Traits::total(high), Traits::total(low));
        const __m512i first = joined(high[0], low[0]);
        if constexpr (sets<T> == 1)
            return first;
        else
            return _mm512_add_epi32(first, joined(high[1], low[1]));
    }

    template <int T>
    static QUANT_INLINE void add(const std::byte *head, const std::byte *unit, const int8_t *planes, size_t apart,
                                 const int32_t *sums, size_t groups, __m512 (&total)[T]) {
        constexpr size_t quads = layout.group / 4, whole = quads / layout.quads, rest = quads % layout.quads;
        constexpr size_t sums_a_group = layout.group / shape.sums_group;
        for (size_t g = 0; g < layout.groups(); ++g) {
            __m512i high[T][sets<T>], low[T][sets<T>];
#pragma GCC unroll 8
            for (int t = 0; t < T; ++t) {
                int32_t sum = 0;
                for (size_t i = 0; i < sums_a_group; ++i) sum += sums[static_cast<size_t>(t) * groups + i];
                for (int k = 0; k < sets<T>; ++k) high[t][k] = low[t][k] = _mm512_setzero_si512();
                low[t][unshifted<T>] = _mm512_set1_epi32(-Traits::bias * sum);
            }
#pragma GCC unroll 4
            for (size_t l = 0; l < whole; ++l, unit += 64, planes += layout.quads * 4)
                add_line<T, layout.quads>(unit, planes, apart, high, low);
            if constexpr (rest != 0) add_line<T, rest>(unit, planes, apart, high, low), unit += 64, planes += rest * 4;
            const __m512 scale = Traits::scale(head);
#pragma GCC unroll 8
            for (int t = 0; t < T; ++t) {
                total[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots<T>(high[t], low[t])), scale, total[t]);
            }
            head += panel_rows * layout.scale_bytes, sums += sums_a_group;
        }
    }
};

} // namespace
} // namespace quant::kernel::avx512vnni
