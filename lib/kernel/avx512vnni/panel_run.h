// A panel of 16 rows times one or a few tokens with VPDPBUSD. Weights come as one stream from
// memory, which is what the time goes to; activations, in two planes of bytes, stay in the
// first-level cache and are broadcast, four columns at a time, as the instruction's operand.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/panel_shape.h"
#include "kernel/x86/x86_bytes.h"
#include "kernel/simd/simd_choices.h"

namespace quant::kernel::avx512vnni {
namespace {

typedef uint16_t Words __attribute__((vector_size(64)));

/// Bytes of the stream that are asked for ahead of use: into the second-level cache, which waits
/// for more lines at a time, and from there into the first.
constexpr size_t far_ahead = 8192, near_ahead = 1024;

QUANT_INLINE void prefetch_line(const std::byte *p) {
    _mm_prefetch(reinterpret_cast<const char *>(p) + far_ahead, _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char *>(p) + near_ahead, _MM_HINT_T0);
}

QUANT_INLINE __m512i shifted_down(__m512i v, int bits) { return (__m512i)((Words)v >> bits); }
QUANT_INLINE __m512i shifted_up(__m512i v, int bits) { return (__m512i)((Words)v << bits); }
QUANT_INLINE __m512i every_byte(int value) { return _mm512_set1_epi8(static_cast<char>(value)); }
QUANT_INLINE __m512i load64(const std::byte *p) { return _mm512_loadu_si512(p); }
QUANT_INLINE __m512 halves(const std::byte *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)));
}

/// Field `index` of `Bits` bits of each byte, moved up by `to` bits.
template <int Bits>
QUANT_INLINE __m512i field(__m512i v, int index, int to) {
    if constexpr (Bits == 8) return v;
    const int down = index * Bits - to;
    const __m512i moved = down > 0 ? shifted_down(v, down) : down < 0 ? shifted_up(v, -down) : v;
    return _mm512_and_si512(moved, every_byte(((1 << Bits) - 1) << to));
}

QUANT_INLINE __m512i four_columns(const int8_t *p) {
    int32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}

/// Sums of bytes with both planes of the activations, as one.
QUANT_INLINE __m512i joined(__m512i high, __m512i low) { return _mm512_add_epi32(_mm512_slli_epi32(high, 7), low); }

/// A stretch's sums of activations in each group, as its kernels take them out of memory.
template <int T>
struct StretchSums {
    alignas(64) int32_t biased[T][16]; ///< Times what codes are too large by, to be taken off.
    alignas(64) float whole[T][16];

    QUANT_INLINE void fill(const int32_t *sums, size_t apart, size_t groups, int bias) {
        const auto mask = static_cast<__mmask16>((1u << groups) - 1);
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
            const __m512i of = _mm512_maskz_loadu_epi32(mask, sums + static_cast<size_t>(t) * apart);
            _mm512_store_si512(biased[t], _mm512_mullo_epi32(of, _mm512_set1_epi32(-bias)));
            _mm512_store_ps(whole[t], _mm512_cvtepi32_ps(of));
        }
    }
};

/// Walks a panel with the first `T` tokens. A Unit is a class of static members: its `shape`, the
/// most tokens that it takes at a time, how its sums are scaled in the end, and
///   add<T>(head, unit, planes, columns, sums, groups, total)
/// which adds the tokens' sums over a unit, in units of the activations' scale. One that says what
/// codes are too large by, `taken_off`, is given StretchSums and its first group's place in them
/// instead of sums and groups.
template <class Unit, int T>
void run_panel(const PanelProduct &a, size_t first) {
    constexpr PanelShape shape = Unit::shape;
    const int8_t *planes = a.planes + first * 2 * a.plane_stride;
    const float *scales = a.scales + first * a.stretches;
    const int32_t *sums = a.sums + first * a.groups;
    const std::byte *head = a.panel, *unit = a.panel + shape.head(a.columns);
    for (size_t at = 0; at < shape.head(a.columns); at += 64) prefetch_line(head + at);
    __m512 y[T];
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) y[t] = _mm512_setzero_ps();
    for (size_t at = 0, stretch = 0; at < a.columns; at += PlaneTokens::stretch, ++stretch) {
        const size_t left = a.columns - at, n = left < PlaneTokens::stretch ? left : PlaneTokens::stretch;
        __m512 total[T];
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) total[t] = _mm512_setzero_ps();
        if constexpr (requires { Unit::taken_off; }) {
            StretchSums<T> ready;
            ready.fill(sums + at / shape.sums_group, a.groups, n / shape.sums_group, Unit::taken_off);
            for (size_t k = 0; k < n; k += shape.unit_columns, unit += shape.unit_bytes, head += shape.head_bytes)
                Unit::template add<T>(head, unit, planes + at + k, a.plane_stride, ready, k / shape.sums_group, total);
        } else {
            for (size_t k = 0; k < n; k += shape.unit_columns, unit += shape.unit_bytes, head += shape.head_bytes)
                Unit::template add<T>(head, unit, planes + at + k, a.plane_stride, sums + (at + k) / shape.sums_group,
                                      a.groups, total);
        }
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
            const float scale = Unit::factor * scales[static_cast<size_t>(t) * a.stretches + stretch];
            y[t] = _mm512_fmadd_ps(total[t], _mm512_set1_ps(scale), y[t]);
        }
    }
    const auto mask = static_cast<__mmask16>(a.rows >= panel_rows ? 0xffffu : (1u << a.rows) - 1);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t)
        _mm512_mask_storeu_ps(a.y + (first + static_cast<size_t>(t)) * a.y_stride, mask, y[t]);
}

template <class Unit>
void panel_product(const PanelProduct &a) {
    simd::for_tokens<Unit::most_tokens>(a.tokens, [&]<int T>(size_t first) { run_panel<Unit, T>(a, first); });
}

} // namespace
} // namespace quant::kernel::avx512vnni
