// Units of panel_layout.h as bytes with scales, for products of many tokens. Quads lie in a panel as these products
// want them, so a shift, a mask and a sum make 32 codes, and a group's scales of eight rows are a register.
#pragma once

#include "kernel/avx2/plane_halves.h"
#include "kernel/x86/x86_expand.h"

namespace quant::kernel::avx2 {
namespace {

using x86::expanded_quads, x86::prefetch_units;

/// Codes of a unit, each with `Added`.
template <PanelLayout L, int Added> QUANT_INLINE void expand_codes(const std::byte *unit, uint8_t *codes) {
    constexpr size_t runs = L.unit_columns() / 4 / expanded_quads, lines = (L.unit_bytes() / 64 + runs - 1) / runs;
    constexpr int less = L.bias + L.centre();
    const __m256i more = every_byte(Added - less);
    for (size_t r = 0; r < runs; ++r) {
#pragma GCC unroll 9
        for (size_t l = 0; l < lines; ++l) prefetch_units(unit + (r * lines + l) * 64, L.unit_bytes());
#pragma GCC unroll 8
        for (size_t i = 0; i < expanded_quads; ++i)
#pragma GCC unroll 2
            for (size_t h = 0; h < 2; ++h, codes += half_bytes) {
                const __m256i levels = half_quad<L, false>(unit, r * expanded_quads + i, h);
                _mm256_storeu_si256(reinterpret_cast<__m256i *>(codes),
                                    Added == less ? levels : _mm256_add_epi8(levels, more));
            }
    }
}

QUANT_INLINE __m256 negative(__m256 v) { return _mm256_xor_ps(v, _mm256_set1_ps(-0.0f)); }

/// What is added to a code of group `g` times its scale.
template <PanelLayout L> QUANT_INLINE __m256 offset_of(const std::byte *unit, size_t g, size_t h, __m256 scale) {
    const __m256 second = minimum_of<L>(unit, g, h), centre = _mm256_set1_ps(L.centre());
    if constexpr (L.zero) return _mm256_mul_ps(scale, _mm256_sub_ps(centre, second));
    if constexpr (L.super_blocks())
        return _mm256_mul_ps(second, negative(eight_halves(unit + L.dmin_at() + h * half_rows * 2)));
    if constexpr (L.centre() != 0) return _mm256_add_ps(negative(second), _mm256_mul_ps(centre, scale));
    return negative(second);
}

/// Of half `h` of the rows, scales of a unit's groups, and offsets where there are any; which rows have one that
/// is not zero.
template <PanelLayout L>
QUANT_INLINE __m256 expand_scales(const std::byte *unit, size_t h, float *scales, float *offsets) {
    const size_t factor = h * half_rows * 2;
    __m256 some = _mm256_setzero_ps();
    for (size_t g = 0; g < L.groups(); ++g) {
        const size_t at = g * L.expanded_copies() * panel_rows + h * half_rows;
        __m256 scale = scale_of<L>(unit, g, h);
        if constexpr (L.super_blocks()) scale = _mm256_mul_ps(scale, eight_halves(unit + L.d_at() + factor));
        for (size_t copy = 0; copy < L.expanded_copies(); ++copy) _mm256_storeu_ps(scales + at + copy * panel_rows, scale);
        if constexpr (L.minimum || L.zero) {
            const __m256 offset = offset_of<L>(unit, g, h, scale);
            for (size_t copy = 0; copy < L.expanded_copies(); ++copy)
                _mm256_storeu_ps(offsets + at + copy * panel_rows, offset);
            some = _mm256_or_ps(some, _mm256_cmp_ps(offset, _mm256_setzero_ps(), _CMP_NEQ_UQ));
        }
    }
    return some;
}

/// As EncodingKernels::expand_panel; each code is given `Added`.
template <PanelLayout L, int Added>
bool expand_units(const std::byte *panel, size_t at, size_t n, uint8_t *codes, float *scales, float *offsets) {
    constexpr size_t columns = L.unit_columns();
    const std::byte *unit = panel + at / columns * L.unit_bytes();
    __m256 some = _mm256_setzero_ps();
    for (size_t k = 0; k < n; k += columns, unit += L.unit_bytes()) {
        expand_codes<L, Added>(unit, codes + k * panel_rows);
        const size_t of_group = k / L.expanded_group() * panel_rows;
        for (size_t h = 0; h < 2; ++h)
            some = _mm256_or_ps(some, expand_scales<L>(unit, h, scales + of_group, offsets + of_group));
    }
    return _mm256_movemask_ps(some) != 0;
}

} // namespace
} // namespace quant::kernel::avx2
