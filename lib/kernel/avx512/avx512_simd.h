// AVX-512 (F, BW, VL, DQ) as the templates of kernel/simd want it: V and Wide are both
// one register of 16 floats; the ends of rows are masked.
#pragma once

#include "kernel/x86/x86_bytes.h"
#include "kernel/x86/x86_turn.h"

namespace quant::kernel::avx512 {
namespace {

struct Simd {
    using Bytes = x86::Bytes;
    using V = __m512;
    using Wide = __m512;
    static constexpr size_t width = 16;
    static constexpr int tile_tokens = 6;  ///< 4 x 6 sums, 6 tokens, 1 row: 31 of 32 registers.
    static constexpr int tile_vectors = 4; ///< 4 x 4 sums, 4 values, 1 weight.
    static constexpr size_t turned = 8; ///< Rows and columns that turn() makes columns and rows.

    static QUANT_INLINE void turn(const float *in, size_t in_stride, float *out, size_t out_stride) {
        x86::turn_eight(in, in_stride, out, out_stride);
    }

    static QUANT_INLINE __mmask16 mask(size_t n) { return static_cast<__mmask16>((1u << n) - 1); }

    static QUANT_INLINE V zero() { return _mm512_setzero_ps(); }
    static QUANT_INLINE V broadcast(float x) { return _mm512_set1_ps(x); }
    static QUANT_INLINE V load(const float *p) { return _mm512_loadu_ps(p); }
    static QUANT_INLINE void store(float *p, V v) { _mm512_storeu_ps(p, v); }
    static QUANT_INLINE V load_some(const float *p, size_t n) { return _mm512_maskz_loadu_ps(mask(n), p); }
    static QUANT_INLINE void store_some(float *p, size_t n, V v) { _mm512_mask_storeu_ps(p, mask(n), v); }
    static QUANT_INLINE V first(V v, size_t n) { return _mm512_maskz_mov_ps(mask(n), v); }
    static QUANT_INLINE V add(V a, V b) { return _mm512_add_ps(a, b); }
    static QUANT_INLINE V sub(V a, V b) { return _mm512_sub_ps(a, b); }
    static QUANT_INLINE V mul(V a, V b) { return _mm512_mul_ps(a, b); }
    static QUANT_INLINE V div(V a, V b) { return _mm512_div_ps(a, b); }
    static QUANT_INLINE V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
    static QUANT_INLINE V fnma(V a, V b, V c) { return _mm512_fnmadd_ps(a, b, c); }
    static QUANT_INLINE V max(V a, V b) { return _mm512_max_ps(a, b); }
    static QUANT_INLINE V min(V a, V b) { return _mm512_min_ps(a, b); }
    static QUANT_INLINE V round(V v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
    static QUANT_INLINE V scale_by_power(V v, V n) { return _mm512_scalef_ps(v, n); }
    static QUANT_INLINE float largest(V v) { return _mm512_reduce_max_ps(v); }
    static QUANT_INLINE float sum(V v) { return _mm512_reduce_add_ps(v); }

    static QUANT_INLINE __m128 sums_of_four(V a, V b, V c, V d) {
        // Upper halves onto lower ones, as sum() does: of registers, of what is left of these, and so on.
        const V ab = add(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
        const V cd = add(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
        const V four = add(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
        const V two = add(four, _mm512_permute_ps(four, 0x4e));
        const V one = add(two, _mm512_permute_ps(two, 0xb1));
        const __m512i firsts = _mm512_castsi128_si512(_mm_setr_epi32(0, 4, 8, 12));
        return _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, one));
    }

    static QUANT_INLINE Wide wide_zero() { return zero(); }
    static QUANT_INLINE Wide wide_load(const float *p) { return load(p); }
    static QUANT_INLINE void wide_store(float *p, Wide v) { store(p, v); }
    static QUANT_INLINE Wide wide_from_i8(Bytes bytes) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes.v)); }
    static QUANT_INLINE Wide wide_from_halves(__m256i halves) { return _mm512_cvtph_ps(halves); }
    /// Of each byte, below 16, the number at this place of `table`.
    static QUANT_INLINE Wide wide_in_table(const float (&table)[16], Bytes codes) {
        return _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(codes.v), load(table));
    }
    static QUANT_INLINE Wide wide_mul(Wide a, V scale) { return mul(a, scale); }
    static QUANT_INLINE Wide wide_div(Wide a, V by) { return div(a, by); }
    static QUANT_INLINE Wide wide_fma(Wide a, V scale, V offset) { return fma(a, scale, offset); }
    static QUANT_INLINE Wide wide_add_product(Wide a, Wide b, Wide c) { return fma(a, b, c); }
    static QUANT_INLINE Wide wide_add_scaled(Wide a, V scale, Wide c) { return fma(a, scale, c); }
    static QUANT_INLINE Wide wide_add(Wide a, Wide b) { return add(a, b); }
    static QUANT_INLINE float wide_sum(Wide v) { return sum(v); }
    static QUANT_INLINE Wide wide_load_f16(const std::byte *p) {
        return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)));
    }
    static QUANT_INLINE Wide wide_load_bf16(const std::byte *p) {
        const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
    }
};

} // namespace
} // namespace quant::kernel::avx512
