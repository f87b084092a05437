// AVX2 with FMA and F16C as the templates of kernel/simd want it: V is a register of 8
// floats, Wide is two of them.
#pragma once

#include "kernel/x86/x86_bytes.h"
#include "kernel/x86/x86_turn.h"

namespace quant::kernel::avx2 {
namespace {

struct Simd {
    using Bytes = x86::Bytes;
    using V = __m256;
    struct Wide {
        V low, high;
    };
    static constexpr size_t width = 8;
    static constexpr int tile_tokens = 3;  ///< 4 x 3 sums, 3 tokens, 1 row: all 16 registers.
    static constexpr int tile_vectors = 2; ///< 4 x 2 sums, 2 values, 1 weight.
    static constexpr size_t turned = 8; ///< Rows and columns that turn() makes columns and rows.

    static QUANT_INLINE void turn(const float *in, size_t in_stride, float *out, size_t out_stride) {
        x86::turn_eight(in, in_stride, out, out_stride);
    }

    /// All ones in the first n lanes.
    static QUANT_INLINE __m256i mask(size_t n) {
        const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes);
    }

    static QUANT_INLINE V zero() { return _mm256_setzero_ps(); }
    static QUANT_INLINE V broadcast(float x) { return _mm256_set1_ps(x); }
    static QUANT_INLINE V load(const float *p) { return _mm256_loadu_ps(p); }
    static QUANT_INLINE void store(float *p, V v) { _mm256_storeu_ps(p, v); }
    static QUANT_INLINE V load_some(const float *p, size_t n) { return _mm256_maskload_ps(p, mask(n)); }
    static QUANT_INLINE void store_some(float *p, size_t n, V v) { _mm256_maskstore_ps(p, mask(n), v); }
    static QUANT_INLINE V first(V v, size_t n) { return _mm256_and_ps(v, _mm256_castsi256_ps(mask(n))); }
    static QUANT_INLINE V add(V a, V b) { return _mm256_add_ps(a, b); }
    static QUANT_INLINE V sub(V a, V b) { return _mm256_sub_ps(a, b); }
    static QUANT_INLINE V mul(V a, V b) { return _mm256_mul_ps(a, b); }
    static QUANT_INLINE V div(V a, V b) { return _mm256_div_ps(a, b); }
    static QUANT_INLINE V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
    static QUANT_INLINE V fnma(V a, V b, V c) { return _mm256_fnmadd_ps(a, b, c); }
    static QUANT_INLINE V max(V a, V b) { return _mm256_max_ps(a, b); }
    static QUANT_INLINE V min(V a, V b) { return _mm256_min_ps(a, b); }
    static QUANT_INLINE V round(V v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

    /// v * 2^n for integral n from -152 to 129, as two factors that are both normal.
    static QUANT_INLINE V scale_by_power(V v, V n) {
        const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
        return mul(mul(v, power_of_two(half)), power_of_two(_mm256_sub_epi32(whole, half)));
    }
    static QUANT_INLINE V power_of_two(__m256i n) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
    }

    static QUANT_INLINE float largest(V v) {
        __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        m = _mm_max_ps(m, _mm_movehl_ps(m, m));
        return _mm_cvtss_f32(_mm_max_ss(m, _mm_shuffle_ps(m, m, 1)));
    }
    static QUANT_INLINE float sum(V v) {
        __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
    }
    static QUANT_INLINE __m128 sums_of_four(V a, V b, V c, V d) {
        // Upper halves onto lower ones, first of registers, then of what is left of these.
        const V ac = add(_mm256_permute2f128_ps(a, c, 0x20), _mm256_permute2f128_ps(a, c, 0x31));
        const V bd = add(_mm256_permute2f128_ps(b, d, 0x20), _mm256_permute2f128_ps(b, d, 0x31));
        const V two = add(_mm256_shuffle_ps(ac, bd, 0x44), _mm256_shuffle_ps(ac, bd, 0xee));
        const __m128 ab = _mm256_castps256_ps128(two), cd = _mm256_extractf128_ps(two, 1);
        return _mm_add_ps(_mm_shuffle_ps(ab, cd, 0x88), _mm_shuffle_ps(ab, cd, 0xdd));
    }

    static QUANT_INLINE Wide wide_zero() { return {zero(), zero()}; }
    static QUANT_INLINE Wide wide_load(const float *p) { return {load(p), load(p + 8)}; }
    static QUANT_INLINE void wide_store(float *p, Wide v) {
        store(p, v.low);
        store(p + 8, v.high);
    }
    static QUANT_INLINE Wide wide_from_i8(Bytes bytes) {
        return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes.v)),
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes.v, 8)))};
    }
    static QUANT_INLINE Wide wide_from_halves(__m256i halves) {
        return {_mm256_cvtph_ps(_mm256_castsi256_si128(halves)), _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1))};
    }
    /// Of each byte, below 16, the number at this place of `table`.
    static QUANT_INLINE Wide wide_in_table(const float (&table)[16], Bytes codes) {
        return {eight_in_table(table, codes.v), eight_in_table(table, _mm_srli_si128(codes.v, 8))};
    }
    static QUANT_INLINE V eight_in_table(const float (&table)[16], __m128i codes) {
        // Permutations look at three bits; the fourth, moved to where signs are, chooses between two of them.
        const __m256i at = _mm256_cvtepu8_epi32(codes);
        return _mm256_blendv_ps(_mm256_permutevar8x32_ps(load(table), at), _mm256_permutevar8x32_ps(load(table + 8), at),
                                _mm256_castsi256_ps(_mm256_slli_epi32(at, 28)));
    }
    static QUANT_INLINE Wide wide_mul(Wide a, V scale) { return {mul(a.low, scale), mul(a.high, scale)}; }
    static QUANT_INLINE Wide wide_div(Wide a, V by) { return {div(a.low, by), div(a.high, by)}; }
    static QUANT_INLINE Wide wide_fma(Wide a, V scale, V offset) {
        return {fma(a.low, scale, offset), fma(a.high, scale, offset)};
    }
    static QUANT_INLINE Wide wide_add_product(Wide a, Wide b, Wide c) {
        return {fma(a.low, b.low, c.low), fma(a.high, b.high, c.high)};
    }
    static QUANT_INLINE Wide wide_add_scaled(Wide a, V scale, Wide c) {
        return {fma(a.low, scale, c.low), fma(a.high, scale, c.high)};
    }
    static QUANT_INLINE Wide wide_add(Wide a, Wide b) { return {add(a.low, b.low), add(a.high, b.high)}; }
    static QUANT_INLINE float wide_sum(Wide v) { return sum(add(v.low, v.high)); }
    static QUANT_INLINE Wide wide_load_f16(const std::byte *p) {
        return {_mm256_cvtph_ps(x86::load16(p)), _mm256_cvtph_ps(x86::load16(p + 16))};
    }
    static QUANT_INLINE Wide wide_load_bf16(const std::byte *p) { return {eight_bf16(p), eight_bf16(p + 16)}; }
    static QUANT_INLINE V eight_bf16(const std::byte *p) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x86::load16(p)), 16));
    }
};

} // namespace
} // namespace quant::kernel::avx2
