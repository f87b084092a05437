// Registers of 32 bytes as products with panels take them: eight rows of four columns, half a quad.
// Shared with the tiers that have more ways to multiply bytes and registers of this length.
#pragma once

#include "kernel/panel_layout.h"
#include "kernel/x86/x86_bytes.h"

namespace quant::kernel::avx2 {
namespace {

typedef uint16_t Words __attribute__((vector_size(32)));

/// Rows of a register of floats; a panel has two of them.
constexpr size_t half_rows = 8, half_bytes = quad_bytes / 2;

QUANT_INLINE __m256i shifted_down(__m256i v, int bits) { return (__m256i)((Words)v >> bits); }
QUANT_INLINE __m256i shifted_up(__m256i v, int bits) { return (__m256i)((Words)v << bits); }
QUANT_INLINE __m256i every_byte(int value) { return _mm256_set1_epi8(static_cast<char>(value)); }
QUANT_INLINE __m256i load32(const std::byte *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }
QUANT_INLINE __m128i load8(const std::byte *p) { return _mm_loadl_epi64(reinterpret_cast<const __m128i *>(p)); }
QUANT_INLINE __m256 eight_halves(const std::byte *p) { return _mm256_cvtph_ps(x86::load16(p)); }
QUANT_INLINE __m256i eight_bytes(const std::byte *p) { return _mm256_cvtepu8_epi32(load8(p)); }

/// The same 16 bytes twice: a table for VPSHUFB.
QUANT_INLINE __m256i twice(__m128i v) { return _mm256_broadcastsi128_si256(v); }

/// Field `index` of `Bits` bits of each byte, moved up by `to` bits.
template <int Bits> QUANT_INLINE __m256i field(__m256i v, int index, int to) {
    if constexpr (Bits == 8) return v;
    const int down = index * Bits - to;
    const __m256i moved = down > 0 ? shifted_down(v, down) : down < 0 ? shifted_up(v, -down) : v;
    return _mm256_and_si256(moved, every_byte(((1 << Bits) - 1) << to));
}

/// Four activations of a token in every lane.
QUANT_INLINE __m256i four_columns(const int8_t *p) {
    int32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}

/// All ones in the first n lanes of eight.
QUANT_INLINE __m256i first_lanes(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/// Where eight rows' floats of a token go, of which those beyond `rows` are not there.
struct HalfRow {
    float *y;
    size_t rows;

    QUANT_INLINE HalfRow(float *token, size_t all, size_t half)
        : y(token + half * half_rows), rows(all > half * half_rows ? all - half * half_rows : 0) {}
    QUANT_INLINE __m256 load() const {
        return rows >= half_rows ? _mm256_loadu_ps(y) : _mm256_maskload_ps(y, first_lanes(rows));
    }
    QUANT_INLINE void store(__m256 v) const {
        if (rows >= half_rows) _mm256_storeu_ps(y, v);
        else _mm256_maskstore_ps(y, first_lanes(rows), v);
    }
};

} // namespace
} // namespace quant::kernel::avx2
