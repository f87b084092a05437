// Sixteen bytes for x86: what the decoders of kernel/simd do with codes before these become
// floats. Every tier has AVX2 and F16C at least, and is compiled with them.
#pragma once

#include "kernel/simd/simd_inline.h"

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace quant::kernel::x86 {
namespace {

QUANT_INLINE __m128i load16(const std::byte *p) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(p)); }

/// Bytes as the templates of kernel/simd want them; arithmetic wraps around.
struct Bytes {
    __m128i v;

    QUANT_INLINE Bytes(__m128i bytes) : v(bytes) {}

    static QUANT_INLINE Bytes load(const std::byte *p) { return load16(p); }
    static QUANT_INLINE Bytes all(int value) { return _mm_set1_epi8(static_cast<char>(value)); }
    static QUANT_INLINE Bytes of_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
        return _mm_setr_epi32(static_cast<int>(a), static_cast<int>(b), static_cast<int>(c), static_cast<int>(d));
    }
    QUANT_INLINE void store(uint8_t *p) const { _mm_storeu_si128(reinterpret_cast<__m128i *>(p), v); }

    QUANT_INLINE Bytes operator+(Bytes b) const { return _mm_add_epi8(v, b.v); }
    QUANT_INLINE Bytes operator-(Bytes b) const { return _mm_sub_epi8(v, b.v); }
    QUANT_INLINE Bytes operator|(Bytes b) const { return _mm_or_si128(v, b.v); }
    QUANT_INLINE Bytes low_nibbles() const { return _mm_and_si128(v, _mm_set1_epi8(15)); }
    QUANT_INLINE Bytes high_nibbles() const { return Bytes(_mm_srli_epi16(v, 4)).low_nibbles(); }

    /// Two bits of each byte, from bit `shift`, moved to bit `to`.
    QUANT_INLINE Bytes two_bits(int shift, int to) const {
        const __m128i bits = _mm_and_si128(_mm_srl_epi16(v, _mm_cvtsi32_si128(shift)), _mm_set1_epi8(3));
        return _mm_sll_epi16(bits, _mm_cvtsi32_si128(to));
    }
    /// `bit` where bit `index` of the byte is set, else 0.
    QUANT_INLINE Bytes bit_of(int index, int bit) const {
        const __m128i mask = _mm_set1_epi8(static_cast<char>(1 << index));
        return _mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(v, mask), mask), _mm_set1_epi8(static_cast<char>(bit)));
    }
    /// `bit` in byte i where bit i of the number is set, else 0.
    static QUANT_INLINE Bytes spread_bits(uint32_t sixteen_bits, int bit) {
        const __m128i which = _mm_set_epi8(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
        const __m128i mask = _mm_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
        const __m128i bytes = _mm_shuffle_epi8(_mm_cvtsi32_si128(static_cast<int>(sixteen_bits)), which);
        return _mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(bytes, mask), mask), _mm_set1_epi8(static_cast<char>(bit)));
    }
    /// Of each byte, below 16, the byte at this place of `table`.
    QUANT_INLINE Bytes in_table(const int8_t (&table)[16]) const {
        return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(table)), v);
    }
    /// Added to the codes of products with bytes, which x86 takes unsigned.
    static constexpr int product_bias = 128;

    /// Signed bytes as floats, times `factor`.
    QUANT_INLINE void scaled(float factor, float *out) const {
        const __m256 f = _mm256_set1_ps(factor);
        const __m256i low = _mm256_cvtepi8_epi32(v), high = _mm256_cvtepi8_epi32(_mm_srli_si128(v, 8));
        _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(low), f));
        _mm256_storeu_ps(out + 8, _mm256_mul_ps(_mm256_cvtepi32_ps(high), f));
    }
    static QUANT_INLINE float f16_at(const std::byte *p) {
        uint16_t half;
        __builtin_memcpy(&half, p, 2);
        return _cvtsh_ss(half);
    }
};

} // namespace
} // namespace quant::kernel::x86
