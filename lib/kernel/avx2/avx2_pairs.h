// Products of pairs of 16-bit numbers in AVX2, as simd/simd_pairs.h wants them.
#pragma once

#include "kernel/avx2/avx2_simd.h"

namespace quant::kernel::avx2 {
namespace {

struct Pairs {
    using Sum = __m256i;
    using Many = __m256i;
    static constexpr size_t width = 8;
    static constexpr int count = 4, vectors = 2; ///< 4 x 2 sums, 2 registers of many, 1 of one, 1 product.

    static QUANT_INLINE Sum zero() { return _mm256_setzero_si256(); }
    static QUANT_INLINE Many many(const int32_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }
    static QUANT_INLINE __m256i one(const int32_t *p) { return _mm256_set1_epi32(*p); }
    static QUANT_INLINE Sum add_products(Sum sum, __m256i one, Many many) {
        return _mm256_add_epi32(sum, _mm256_madd_epi16(one, many));
    }
    static QUANT_INLINE __m256 floats(Sum sum) { return _mm256_cvtepi32_ps(sum); }
    /// Rounded to whole numbers, ties to even; 0 for what is not finite.
    static QUANT_INLINE void store_pairs(int32_t *out, __m256 even, __m256 odd) {
        const __m256i low = _mm256_cvtps_epi32(even), high = _mm256_slli_epi32(_mm256_cvtps_epi32(odd), 16);
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(out), _mm256_blend_epi16(low, high, 0xaa));
    }
    /// p * 2^n, where n is a whole number plus whole_numbers.
    static QUANT_INLINE __m256 add_exponent(__m256 p, __m256 n) {
        return _mm256_castsi256_ps(
            _mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(n), 23)));
    }
};

} // namespace
} // namespace quant::kernel::avx2
