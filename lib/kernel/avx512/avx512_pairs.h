// Products of pairs of 16-bit numbers in AVX-512, as simd/simd_pairs.h wants them.
#pragma once

#include "kernel/avx512/avx512_simd.h"

namespace quant::kernel::avx512 {
namespace {

struct Pairs {
    using Sum = __m512i;
    using Many = __m512i;
    static constexpr size_t width = 16;
    static constexpr int count = 8, vectors = 3; ///< 8 x 3 sums, 3 registers of many, 1 of one.

    static QUANT_INLINE Sum zero() { return _mm512_setzero_si512(); }
    static QUANT_INLINE Many many(const int32_t *p) { return _mm512_loadu_si512(p); }
    static QUANT_INLINE __m512i one(const int32_t *p) { return _mm512_set1_epi32(*p); }
    static QUANT_INLINE Sum add_products(Sum sum, __m512i one, Many many) {
        return _mm512_add_epi32(sum, _mm512_madd_epi16(one, many));
    }
    static QUANT_INLINE __m512 floats(Sum sum) { return _mm512_cvtepi32_ps(sum); }
    /// Rounded to whole numbers, ties to even; 0 for what is not finite.
    static QUANT_INLINE void store_pairs(int32_t *out, __m512 even, __m512 odd) {
        const __m512i low = _mm512_cvtps_epi32(even), high = _mm512_slli_epi32(_mm512_cvtps_epi32(odd), 16);
        _mm512_storeu_si512(out, _mm512_mask_mov_epi16(low, 0xaaaaaaaa, high));
    }
    /// p * 2^n, where n is a whole number plus whole_numbers.
    static QUANT_INLINE __m512 add_exponent(__m512 p, __m512 n) {
        return _mm512_castsi512_ps(
            _mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(n), 23)));
    }
};

} // namespace
} // namespace quant::kernel::avx512
