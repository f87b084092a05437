// Sixteen bytes for AArch64: what the decoders of kernel/simd do with codes before these
// become floats. Only instructions that every 64-bit ARM CPU has.
#pragma once

#include "kernel/simd/simd_inline.h"

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace quant::kernel::neon {
namespace {

QUANT_INLINE uint8x16_t load16(const std::byte *p) { return vld1q_u8(reinterpret_cast<const uint8_t *>(p)); }

/// Four floats of consecutive halves.
QUANT_INLINE float32x4_t four_halves(const std::byte *p) {
    uint16x4_t bits;
    __builtin_memcpy(&bits, p, sizeof bits);
    return vcvt_f32_f16(vreinterpret_f16_u16(bits));
}

/// Bytes as the templates of kernel/simd want them; arithmetic wraps around.
struct Bytes {
    uint8x16_t v;

    QUANT_INLINE Bytes(uint8x16_t bytes) : v(bytes) {}

    static QUANT_INLINE Bytes load(const std::byte *p) { return load16(p); }
    static QUANT_INLINE Bytes all(int value) { return vdupq_n_u8(static_cast<uint8_t>(value)); }
    static QUANT_INLINE Bytes of_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
        const uint64x2_t words = {a | uint64_t{b} << 32, c | uint64_t{d} << 32};
        return vreinterpretq_u8_u64(words);
    }
    QUANT_INLINE void store(uint8_t *p) const { vst1q_u8(p, v); }

    QUANT_INLINE Bytes operator+(Bytes b) const { return vaddq_u8(v, b.v); }
    QUANT_INLINE Bytes operator-(Bytes b) const { return vsubq_u8(v, b.v); }
    QUANT_INLINE Bytes operator|(Bytes b) const { return vorrq_u8(v, b.v); }
    QUANT_INLINE Bytes low_nibbles() const { return vandq_u8(v, vdupq_n_u8(15)); }
    QUANT_INLINE Bytes high_nibbles() const { return vshrq_n_u8(v, 4); }

    /// Two bits of each byte, from bit `shift`, moved to bit `to`.
    QUANT_INLINE Bytes two_bits(int shift, int to) const {
        const uint8x16_t moved = vshlq_u8(v, vdupq_n_s8(static_cast<int8_t>(to - shift)));
        return vandq_u8(moved, vdupq_n_u8(static_cast<uint8_t>(3 << to)));
    }
    /// `bit` where bit `index` of the byte is set, else 0.
    QUANT_INLINE Bytes bit_of(int index, int bit) const {
        const uint8x16_t set = vtstq_u8(v, vdupq_n_u8(static_cast<uint8_t>(1 << index)));
        return vandq_u8(set, vdupq_n_u8(static_cast<uint8_t>(bit)));
    }
    /// `bit` in byte i where bit i of the number is set, else 0.
    static QUANT_INLINE Bytes spread_bits(uint32_t sixteen_bits, int bit) {
        const uint8x8_t low = vdup_n_u8(static_cast<uint8_t>(sixteen_bits));
        const uint8x8_t high = vdup_n_u8(static_cast<uint8_t>(sixteen_bits >> 8));
        const uint8x16_t mask = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
        return vandq_u8(vtstq_u8(vcombine_u8(low, high), mask), vdupq_n_u8(static_cast<uint8_t>(bit)));
    }
    /// Of each byte, below 16, the byte at this place of `table`.
    QUANT_INLINE Bytes in_table(const int8_t (&table)[16]) const {
        return vqtbl1q_u8(vreinterpretq_u8_s8(vld1q_s8(table)), v);
    }
    /// Added to the codes of products with bytes, which ARM takes signed: nothing.
    static constexpr int product_bias = 0;

    /// The four floats of bytes 4 * i and on, as signed numbers.
    template <int Quarter>
    QUANT_INLINE float32x4_t floats() const {
        const int8x16_t s = vreinterpretq_s8_u8(v);
        const int16x8_t wide = Quarter < 2 ? vmovl_s8(vget_low_s8(s)) : vmovl_high_s8(s);
        return vcvtq_f32_s32(Quarter % 2 == 0 ? vmovl_s16(vget_low_s16(wide)) : vmovl_high_s16(wide));
    }
    /// Signed bytes as floats, times `factor`.
    QUANT_INLINE void scaled(float factor, float *out) const {
        vst1q_f32(out, vmulq_n_f32(floats<0>(), factor));
        vst1q_f32(out + 4, vmulq_n_f32(floats<1>(), factor));
        vst1q_f32(out + 8, vmulq_n_f32(floats<2>(), factor));
        vst1q_f32(out + 12, vmulq_n_f32(floats<3>(), factor));
    }
    static QUANT_INLINE float f16_at(const std::byte *p) {
        __fp16 half;
        __builtin_memcpy(&half, p, sizeof half);
        return static_cast<float>(half);
    }
};

} // namespace
} // namespace quant::kernel::neon
