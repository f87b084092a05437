// Products of pairs of 16-bit numbers in NEON, as simd/simd_pairs.h wants them: pairs come apart in loading, and
// each half is multiplied alone.
#pragma once

#include "kernel/neon/neon_simd.h"

namespace quant::kernel::neon {
namespace {

struct Pairs {
    using Sum = int32x4_t;
    using Many = int16x4x2_t;
    static constexpr size_t width = 4;
    static constexpr int count = 4, vectors = 4; ///< 4 x 4 sums, 4 halves of registers of many twice, 1 of one.

    static QUANT_INLINE Sum zero() { return vdupq_n_s32(0); }
    static QUANT_INLINE Many many(const int32_t *p) { return vld2_s16(reinterpret_cast<const int16_t *>(p)); }
    static QUANT_INLINE int16x4_t one(const int32_t *p) { return vreinterpret_s16_s32(vld1_dup_s32(p)); }
    static QUANT_INLINE Sum add_products(Sum sum, int16x4_t one, Many many) {
        return vmlal_lane_s16(vmlal_lane_s16(sum, many.val[0], one, 0), many.val[1], one, 1);
    }
    static QUANT_INLINE float32x4_t floats(Sum sum) { return vcvtq_f32_s32(sum); }
    /// Rounded to whole numbers, ties to even; numbers that are not finite are any.
    static QUANT_INLINE void store_pairs(int32_t *out, float32x4_t even, float32x4_t odd) {
        const int32x4_t low = vcvtnq_s32_f32(even), high = vcvtnq_s32_f32(odd);
        vst1q_s32(out, vsliq_n_s32(low, high, 16));
    }
    /// p * 2^n, where n is a whole number plus whole_numbers.
    static QUANT_INLINE float32x4_t add_exponent(float32x4_t p, float32x4_t n) {
        return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), vshlq_n_s32(vreinterpretq_s32_f32(n), 23)));
    }
};

} // namespace
} // namespace quant::kernel::neon
