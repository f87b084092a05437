// Units of code_panel_layout.h, as half_panel_run.h takes them.
#pragma once

#include "kernel/avx2/half_panel_run.h"

namespace quant::kernel::avx2 {
namespace {

/// What differs from one encoding to the next: halves of a line's quads as unsigned bytes up to
/// `most`, what these are too large by, how far sums are moved up to be what the tiers with longer
/// registers have, in which a level counts as many units as `factor` says, and scales.
template <quant_encoding Encoding> struct CodeTraits;

struct HalfScales {
    static constexpr int up = 0;
    static QUANT_INLINE __m256 scale(const std::byte *head, size_t h) { return eight_halves(head + h * half_rows * 2); }
};

/// Two bits a code, a level higher by one.
struct TwoBits : HalfScales {
    static constexpr int most = 3, bias = 1;
    static constexpr float factor = 1;
    static QUANT_INLINE void quads(__m256i line, __m256i (&out)[4]) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) out[i] = field<2>(line, i, 0);
    }
};
template <> struct CodeTraits<QUANT_TQ2_0> : TwoBits {};
template <> struct CodeTraits<QUANT_Q2_0> : TwoBits {};

/// A bit means -1 or 1: it counts twice.
template <> struct CodeTraits<QUANT_Q1_0> : HalfScales {
    static constexpr int most = 2, bias = 1;
    static constexpr float factor = 1;
    static QUANT_INLINE void quads(__m256i line, __m256i (&out)[8]) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) out[i] = field<1>(line, i, 1);
    }
};

/// A digit stands in the top bits, and is 1 for the first; moved down, many sums fit in a word.
template <> struct CodeTraits<QUANT_TQ1_0> : HalfScales {
    static constexpr int most = 3, bias = 2, up = 6;
    static constexpr float factor = 1.0f / 64;
    static QUANT_INLINE void quads(__m256i line, __m256i (&out)[5]) {
        __m256i rest = line;
#pragma GCC unroll 5
        for (int i = 0; i < 5; ++i) {
            const __m256i mean = _mm256_avg_epu8(rest, every_byte(ternary_middle));
            out[i] = field<2>(_mm256_avg_epu8(rest, mean), 3, 0);
            rest = _mm256_add_epi8(rest, _mm256_add_epi8(rest, rest));
        }
    }
};

/// Doubled levels of 4-bit floats, with 12 added.
struct Float4 {
    static constexpr int most = 24, bias = 12, up = 0;
    static QUANT_INLINE void quads(__m256i line, __m256i (&out)[2]) {
        const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i *>(float4_level));
        const __m256i table = twice(_mm_add_epi8(levels, _mm_set1_epi8(bias)));
        out[0] = _mm256_shuffle_epi8(table, field<4>(line, 0, 0));
        out[1] = _mm256_shuffle_epi8(table, field<4>(line, 1, 0));
    }
};

template <> struct CodeTraits<QUANT_MXFP4> : Float4 {
    static constexpr float factor = 1;
    /// 2^(byte - 128), of which the two smallest are subnormal.
    static QUANT_INLINE __m256 scale(const std::byte *head, size_t h) {
        const __m256i exponents = eight_bytes(head + h * half_rows), one = _mm256_set1_epi32(1);
        const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(exponents, one), 23);
        const __m256i subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x200000), exponents);
        return _mm256_castsi256_ps(_mm256_blendv_epi8(subnormal, normal, _mm256_cmpgt_epi32(exponents, one)));
    }
};

template <> struct CodeTraits<QUANT_NVFP4> : Float4 {
    static constexpr float factor = 128;
    /// Four bits of exponent and three of fraction are a half with other limits.
    static QUANT_INLINE __m256 scale(const std::byte *head, size_t h) {
        return _mm256_cvtph_ps(_mm_slli_epi16(_mm_cvtepu8_epi16(load8(head + h * half_rows)), 7));
    }
};

template <class M, quant_encoding Encoding> struct CodeUnit {
    static constexpr CodePanelLayout layout = *find_code_panel_layout(Encoding);
    static constexpr PanelShape shape = shape_of(layout);
    using Traits = CodeTraits<Encoding>;
    static constexpr float factor = Traits::factor;
    template <int T> using Dots = typename M::template PlaneDots<Traits::most, T == 1 ? 2 : 1>;

    /// Lines whose quads are numbered together, and sums of words with them: the group's, of long groups some.
    static constexpr size_t group_quads = layout.group / 4, quads = layout.quads;
    static constexpr size_t step_lines = group_quads <= 8 ? group_quads / quads : quads == 5 ? 4 : 16 / quads;
    static constexpr size_t step_quads = step_lines * quads, steps = group_quads / step_quads,
                            rest = group_quads % step_quads;
    static_assert(step_quads >= 1 && (rest % quads == 0 || quads == 5));

    /// The sums of `Quads` quads, from a line's begin on, of one half of the rows, added to `sums`.
    template <int T, size_t Quads>
    static QUANT_INLINE void add_lines(const std::byte *line, const int8_t *x, size_t apart, __m256i (&sums)[T]) {
        Dots<T> dots[T];
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) dots[t].start(0);
#pragma GCC unroll 8
        for (size_t first = 0; first < Quads; first += quads, line += quad_bytes) {
            __m256i codes[quads];
            Traits::quads(load32(line), codes);
#pragma GCC unroll 8
            for (size_t i = 0; i < quads; ++i)
                if (first + i < Quads)
#pragma GCC unroll 4
                    for (int t = 0; t < T; ++t) {
                        const int8_t *of = x + static_cast<size_t>(t) * 2 * apart + (first + i) * 4;
                        const __m256i high = four_columns(of), low = four_columns(of + apart);
                        dots[t].add(static_cast<int>(first + i), codes[i], high, low);
                    }
        }
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) sums[t] = _mm256_add_epi32(sums[t], dots[t].total(Quads));
    }

    template <int T> static QUANT_INLINE void add(const UnitArgs &a, RowSums<T> &total) {
        constexpr size_t group_lines = (group_quads + quads - 1) / quads;
        constexpr size_t sums_a_group = layout.group / shape.sums_group;
        for (size_t g = 0; g < layout.groups(); ++g) {
            const std::byte *lines = a.unit + g * group_lines * quad_bytes;
            for (size_t l = 0; l < group_lines; ++l) prefetch_line(lines + l * quad_bytes);
            int32_t first[T];
#pragma GCC unroll 4
            for (int t = 0; t < T; ++t) {
                const int32_t *sums = a.sums + static_cast<size_t>(t) * a.groups + g * sums_a_group;
                first[t] = 0;
                for (size_t i = 0; i < sums_a_group; ++i) first[t] -= Traits::bias * sums[i];
            }
#pragma GCC unroll 2
            for (size_t h = 0; h < 2; ++h) {
                const std::byte *line = lines + h * half_bytes;
                const int8_t *x = a.planes + g * layout.group;
                __m256i sums[T];
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) sums[t] = _mm256_set1_epi32(first[t]);
                for (size_t s = 0; s < steps; ++s, line += step_lines * quad_bytes, x += step_quads * 4)
                    add_lines<T, step_quads>(line, x, a.apart, sums);
                if constexpr (rest != 0) add_lines<T, rest>(line, x, a.apart, sums);
                const __m256 scale = Traits::scale(a.head + g * panel_rows * layout.scale_bytes, h);
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t)
                    total[t][h] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_slli_epi32(sums[t], Traits::up)), scale,
                                                  total[t][h]);
            }
        }
    }
};

} // namespace
} // namespace quant::kernel::avx2
