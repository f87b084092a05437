// Units of panel_layout.h as bytes with scales, for products of many tokens. Quads lie in a panel as these products
// want them, so a shift, a mask and a sum make 64 codes, and a group's scales of 16 rows are a register.
#pragma once

#include "kernel/avx512vnni/panel_product.h"
#include "kernel/x86/x86_expand.h"

namespace quant::kernel::avx512vnni {
namespace {

using x86::expanded_quads, x86::prefetch_units;

/// Codes of a unit, each with `Added`.
template <PanelLayout L, int Added>
QUANT_INLINE void expand_codes(const std::byte *unit, uint8_t *codes) {
    constexpr size_t runs = L.unit_columns() / 4 / expanded_quads, lines = (L.unit_bytes() / 64 + runs - 1) / runs;
    constexpr int less = L.bias + L.centre();
    const __m512i more = every_byte(Added - less);
    for (size_t r = 0; r < runs; ++r) {
#pragma GCC unroll 9
        for (size_t l = 0; l < lines; ++l) prefetch_units(unit + (r * lines + l) * 64, L.unit_bytes());
#pragma GCC unroll 8
        for (size_t i = 0; i < expanded_quads; ++i, codes += quad_bytes) {
            const __m512i levels = quad<L>(unit, r * expanded_quads + i);
            _mm512_storeu_si512(codes, Added == less ? levels : _mm512_add_epi8(levels, more));
        }
    }
}

QUANT_INLINE __m512 negative(__m512 v) { return _mm512_xor_ps(v, _mm512_set1_ps(-0.0f)); }

/// What is added to a code of group `g` times its scale.
template <PanelLayout L> QUANT_INLINE __m512 offset_of(const std::byte *unit, size_t g, __m512 scale) {
    const __m512 second = minimum_of<L>(unit, g), centre = _mm512_set1_ps(L.centre());
    if constexpr (L.zero) return _mm512_mul_ps(scale, _mm512_sub_ps(centre, second));
    if constexpr (L.super_blocks()) return _mm512_mul_ps(second, negative(halves(unit + L.dmin_at())));
    if constexpr (L.centre() != 0) return _mm512_add_ps(negative(second), _mm512_mul_ps(centre, scale));
    return negative(second);
}

/// Scales of a unit's groups, and offsets where there are any; which rows have one that is not zero.
template <PanelLayout L>
QUANT_INLINE __mmask16 expand_scales(const std::byte *unit, float *scales, float *offsets) {
    __mmask16 some = 0;
    for (size_t g = 0; g < L.groups(); ++g) {
        __m512 scale = scale_of<L>(unit, g);
        if constexpr (L.super_blocks()) scale = _mm512_mul_ps(scale, halves(unit + L.d_at()));
        for (size_t copy = 0; copy < L.expanded_copies(); ++copy, scales += panel_rows) _mm512_storeu_ps(scales, scale);
        if constexpr (L.minimum || L.zero) {
            const __m512 offset = offset_of<L>(unit, g, scale);
            for (size_t copy = 0; copy < L.expanded_copies(); ++copy, offsets += panel_rows)
                _mm512_storeu_ps(offsets, offset);
            some = _kor_mask16(some, _mm512_cmp_ps_mask(offset, _mm512_setzero_ps(), _CMP_NEQ_UQ));
        }
    }
    return some;
}

/// As EncodingKernels::expand_panel; each code is given `Added`.
template <PanelLayout L, int Added>
bool expand_units(const std::byte *panel, size_t at, size_t n, uint8_t *codes, float *scales, float *offsets) {
    constexpr size_t columns = L.unit_columns();
    const std::byte *unit = panel + at / columns * L.unit_bytes();
    __mmask16 some = 0;
    for (size_t k = 0; k < n; k += columns, unit += L.unit_bytes()) {
        expand_codes<L, Added>(unit, codes + k * panel_rows);
        const size_t of_group = k / L.expanded_group() * panel_rows;
        some = _kor_mask16(some, expand_scales<L>(unit, scales + of_group, offsets + of_group));
    }
    return some != 0;
}

} // namespace
} // namespace quant::kernel::avx512vnni
