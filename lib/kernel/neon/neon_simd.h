// NEON as the templates of kernel/simd want it: V is a register of 4 floats, Wide is four of
// them. There are no masks: what a row's end leaves is loaded and stored lane by lane.
#pragma once

#include "kernel/neon/neon_bytes.h"
#include "kernel/neon/neon_turn.h"

namespace quant::kernel::neon {
namespace {

struct Simd {
    using Bytes = neon::Bytes;
    using V = float32x4_t;
    struct Wide {
        V part[4];
    };
    static constexpr size_t width = 4;
    static constexpr int tile_tokens = 6;  ///< 4 x 6 sums, 6 tokens, 1 row: 31 of 32 registers.
    static constexpr int tile_vectors = 4; ///< 4 x 4 sums, 4 values, 1 weight.
    static constexpr size_t turned = 4; ///< Rows and columns that turn() makes columns and rows.

    static QUANT_INLINE void turn(const float *in, size_t in_stride, float *out, size_t out_stride) {
        turn_four(in, in_stride, out, out_stride);
    }

    static QUANT_INLINE V zero() { return vdupq_n_f32(0); }
    static QUANT_INLINE V broadcast(float x) { return vdupq_n_f32(x); }
    static QUANT_INLINE V load(const float *p) { return vld1q_f32(p); }
    static QUANT_INLINE void store(float *p, V v) { vst1q_f32(p, v); }
    /// The first n < 4; the other lanes are zero.
    static QUANT_INLINE V load_some(const float *p, size_t n) {
        V v = zero();
        if (n > 0) v = vld1q_lane_f32(p, v, 0);
        if (n > 1) v = vld1q_lane_f32(p + 1, v, 1);
        if (n > 2) v = vld1q_lane_f32(p + 2, v, 2);
        return v;
    }
    static QUANT_INLINE void store_some(float *p, size_t n, V v) {
        if (n > 0) vst1q_lane_f32(p, v, 0);
        if (n > 1) vst1q_lane_f32(p + 1, v, 1);
        if (n > 2) vst1q_lane_f32(p + 2, v, 2);
    }
    static QUANT_INLINE V first(V v, size_t n) {
        const uint32x4_t lanes = {0, 1, 2, 3};
        const uint32x4_t kept = vcltq_u32(lanes, vdupq_n_u32(static_cast<uint32_t>(n)));
        return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), kept));
    }
    static QUANT_INLINE V add(V a, V b) { return vaddq_f32(a, b); }
    static QUANT_INLINE V sub(V a, V b) { return vsubq_f32(a, b); }
    static QUANT_INLINE V mul(V a, V b) { return vmulq_f32(a, b); }
    static QUANT_INLINE V div(V a, V b) { return vdivq_f32(a, b); }
    static QUANT_INLINE V fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
    static QUANT_INLINE V fnma(V a, V b, V c) { return vfmsq_f32(c, a, b); }
    /// Of a NaN and a number, the second, as on x86: vmaxq_f32 would always give the NaN.
    static QUANT_INLINE V max(V a, V b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
    static QUANT_INLINE V min(V a, V b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
    static QUANT_INLINE V round(V v) { return vrndnq_f32(v); }

    /// v * 2^n for integral n from -152 to 129, as two factors that are both normal.
    static QUANT_INLINE V scale_by_power(V v, V n) {
        const int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1);
        return mul(mul(v, power_of_two(half)), power_of_two(vsubq_s32(whole, half)));
    }
    static QUANT_INLINE V power_of_two(int32x4_t n) {
        return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
    }

    static QUANT_INLINE float largest(V v) { return vmaxvq_f32(v); }
    /// The upper half onto the lower, twice.
    static QUANT_INLINE float sum(V v) {
        const float32x2_t two = vadd_f32(vget_low_f32(v), vget_high_f32(v));
        return vget_lane_f32(vpadd_f32(two, two), 0);
    }
    static QUANT_INLINE V sums_of_four(V a, V b, V c, V d) { return vpaddq_f32(two_halves(a, b), two_halves(c, d)); }
    /// Both registers' upper halves onto their lower ones.
    static QUANT_INLINE V two_halves(V a, V b) {
        return add(vcombine_f32(vget_low_f32(a), vget_low_f32(b)), vcombine_f32(vget_high_f32(a), vget_high_f32(b)));
    }

    static QUANT_INLINE Wide wide_zero() { return {zero(), zero(), zero(), zero()}; }
    static QUANT_INLINE Wide wide_load(const float *p) { return {load(p), load(p + 4), load(p + 8), load(p + 12)}; }
    static QUANT_INLINE void wide_store(float *p, Wide v) {
        store(p, v.part[0]);
        store(p + 4, v.part[1]);
        store(p + 8, v.part[2]);
        store(p + 12, v.part[3]);
    }
    static QUANT_INLINE Wide wide_from_i8(Bytes b) { return {b.floats<0>(), b.floats<1>(), b.floats<2>(), b.floats<3>()}; }
    static QUANT_INLINE Wide wide_mul(Wide a, V s) {
        return {mul(a.part[0], s), mul(a.part[1], s), mul(a.part[2], s), mul(a.part[3], s)};
    }
    static QUANT_INLINE Wide wide_fma(Wide a, V s, V o) {
        return {fma(a.part[0], s, o), fma(a.part[1], s, o), fma(a.part[2], s, o), fma(a.part[3], s, o)};
    }
    static QUANT_INLINE Wide wide_add_product(Wide a, Wide b, Wide c) {
        return {fma(a.part[0], b.part[0], c.part[0]), fma(a.part[1], b.part[1], c.part[1]),
                fma(a.part[2], b.part[2], c.part[2]), fma(a.part[3], b.part[3], c.part[3])};
    }
    static QUANT_INLINE Wide wide_add_scaled(Wide a, V s, Wide c) {
        return {fma(a.part[0], s, c.part[0]), fma(a.part[1], s, c.part[1]), fma(a.part[2], s, c.part[2]),
                fma(a.part[3], s, c.part[3])};
    }
    static QUANT_INLINE Wide wide_add(Wide a, Wide b) {
        return {add(a.part[0], b.part[0]), add(a.part[1], b.part[1]), add(a.part[2], b.part[2]),
                add(a.part[3], b.part[3])};
    }
    static QUANT_INLINE float wide_sum(Wide v) {
        return sum(add(add(v.part[0], v.part[2]), add(v.part[1], v.part[3])));
    }
    static QUANT_INLINE Wide wide_load_f16(const std::byte *p) {
        return {four_halves(p), four_halves(p + 8), four_halves(p + 16), four_halves(p + 24)};
    }
    static QUANT_INLINE Wide wide_load_bf16(const std::byte *p) {
        const uint16x8_t low = vreinterpretq_u16_u8(load16(p)), high = vreinterpretq_u16_u8(load16(p + 16));
        return {upper_half(vget_low_u16(low)), upper_half(vget_high_u16(low)), upper_half(vget_low_u16(high)),
                upper_half(vget_high_u16(high))};
    }
    static QUANT_INLINE V upper_half(uint16x4_t bits) { return vreinterpretq_f32_u32(vshll_n_u16(bits, 16)); }
};

} // namespace
} // namespace quant::kernel::neon
