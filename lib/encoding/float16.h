// IEEE binary16 and bfloat16 to and from float32, exact and rounded to nearest even.
#pragma once

#include <bit>
#include <cstdint>

namespace quant {

/// Exact; NaN keeps its payload (as the hardware's conversion does, made quiet). Without
/// branches, so that loops over it become vectors.
inline float f32_from_f16(uint16_t half) noexcept {
    const uint32_t sign = uint32_t{half & 0x8000u} << 16, magnitude = half & 0x7fffu;
    // The half's exponent with 224 added is 255 for infinity and NaN, and too large by 112 for others.
    const float normal = std::bit_cast<float>((magnitude << 13) + (224u << 23)) * 0x1p-112f;
    // Behind the one of 0.5, fraction bits of a subnormal count 2^-24 each.
    const float subnormal = std::bit_cast<float>(magnitude | 0x3f000000u) - 0.5f;
    const uint32_t bits = magnitude < 0x400 ? std::bit_cast<uint32_t>(subnormal) : std::bit_cast<uint32_t>(normal);
    return std::bit_cast<float>(sign | bits);
}
/// Nearest, ties to even; overflow becomes infinity, NaN stays NaN. Without branches, too.
inline uint16_t f16_from_f32(float value) noexcept {
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    const uint32_t nan = size > 0x7f800000 ? 0x200 | (size >> 13 & 0x3ff) : 0;
    // All from 65520 on rounds to infinity, which is where 65536 would be.
    const uint32_t magnitude = size < 0x47800000 ? size : 0x47800000;
    const uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23)) >> 13;
    // Below 2^-14: adding 0.5 puts the rounding where the subnormal's last bit is.
    const uint32_t subnormal = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000;
    return static_cast<uint16_t>(sign | nan | (magnitude < 0x38800000 ? subnormal : normal));
}

inline float f32_from_bf16(uint16_t bits) noexcept { return std::bit_cast<float>(uint32_t{bits} << 16); }
/// Nearest, ties to even; NaN is made quiet.
inline uint16_t bf16_from_f32(float value) noexcept {
    const auto bits = std::bit_cast<uint32_t>(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((bits >> 16) | 0x40);
    return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

} // namespace quant
