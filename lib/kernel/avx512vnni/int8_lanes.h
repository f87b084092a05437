// Sixteen rows as the lanes of a register: how their codes come there, and where their sums go.
// For all tiers with registers of that size.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/x86/x86_bytes.h"

namespace quant::kernel::avx512vnni {
namespace {

QUANT_INLINE __m512i load_codes(const uint8_t *p) { return _mm512_loadu_si512(p); }

/// Where a tile's sums go: rows of one panel, the lanes, of one token.
struct TileRow {
    float *y;
    __mmask16 mask;

    /// Of the rows from `row` on, of as many as there are.
    QUANT_INLINE TileRow(float *first, size_t rows, size_t row) : y(first + row) {
        const size_t left = rows - row;
        mask = static_cast<__mmask16>(left >= int8_lanes ? 0xffffu : (1u << left) - 1);
    }
    QUANT_INLINE TileRow(const Int8Block &b, size_t token, size_t panel)
        : TileRow(b.y + token * b.y_stride, b.rows, panel * int8_lanes) {}

    QUANT_INLINE __m512 load() const { return _mm512_maskz_loadu_ps(mask, y); }
    QUANT_INLINE void store(__m512 v) const { _mm512_mask_storeu_ps(y, mask, v); }
};

/// Sixteen rows of sixteen lanes of four bytes become columns.
QUANT_INLINE void transpose_lanes(__m512i (&v)[16]) {
    __m512i a[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        a[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        v[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
        v[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
        v[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
        v[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    // Quarter q of v[4 r + c] is column 4 q + c of rows 4 r .. 4 r + 3.
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
        constexpr int even = 0x88, odd = 0xdd; // quarters 0 and 2, or 1 and 3, of both
        const __m512i even_top = _mm512_shuffle_i32x4(v[c], v[4 + c], even);
        const __m512i even_bottom = _mm512_shuffle_i32x4(v[8 + c], v[12 + c], even);
        const __m512i odd_top = _mm512_shuffle_i32x4(v[c], v[4 + c], odd);
        const __m512i odd_bottom = _mm512_shuffle_i32x4(v[8 + c], v[12 + c], odd);
        a[c] = _mm512_shuffle_i32x4(even_top, even_bottom, even);
        a[4 + c] = _mm512_shuffle_i32x4(odd_top, odd_bottom, even);
        a[8 + c] = _mm512_shuffle_i32x4(even_top, even_bottom, odd);
        a[12 + c] = _mm512_shuffle_i32x4(odd_top, odd_bottom, odd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) v[i] = a[i];
}

/// What Int8Kernels::interleave does, with all bytes of the codes changed by `flip`.
QUANT_INLINE void interleave_xor(const uint8_t *in, size_t stride, size_t n, __m512i flip, uint8_t *out) {
    for (size_t at = 0; at < n; at += 64) {
        __m512i v[16];
#pragma GCC unroll 16
        for (size_t r = 0; r < 16; ++r) v[r] = _mm512_xor_si512(load_codes(in + r * stride + at), flip);
        transpose_lanes(v);
#pragma GCC unroll 16
        for (size_t i = 0; i < 16; ++i) _mm512_storeu_si512(out + (at / 4 + i) * 64, v[i]);
    }
}

} // namespace
} // namespace quant::kernel::avx512vnni
