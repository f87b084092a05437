// 8-bit floats: E4M3 without infinities (0x7f and 0xff are NaN), and E5M2, a half cut short.
// Source: OCP 8-bit Floating Point Specification, revision 1.0.
#pragma once

#include "encoding/float16.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace quant {

inline float f32_from_e5m2(uint8_t byte) noexcept { return f32_from_f16(static_cast<uint16_t>(byte << 8)); }

constexpr float f32_from_e4m3(uint8_t byte) noexcept {
    const uint32_t sign = uint32_t{byte & 0x80u} << 24, magnitude = byte & 0x7f;
    if (magnitude == 0x7f) return std::bit_cast<float>(sign | 0x7fc00000);
    // Seven bits, moved to where a float's are, are too small by 2^(127 - 7); subnormals, too.
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude << 20) * 0x1p120f));
}

/// A power of two; 255 is NaN.
inline float f32_from_e8m0(uint8_t byte) noexcept {
    return byte == 255 ? std::bit_cast<float>(0x7fc00000u) : std::ldexp(1.0f, byte - 127);
}

inline constexpr std::array<float, 256> e4m3_values = [] {
    std::array<float, 256> out{};
    for (size_t i = 0; i < out.size(); i++) out[i] = f32_from_e4m3(static_cast<uint8_t>(i));
    return out;
}();

/// The value nearest to v of a float of `fraction` bits whose least normal number is 2^least and whose largest is
/// `high`; and its code.
template <int fraction, int least> inline float nearest_float8(float v, float high) noexcept {
    const float size = std::abs(v) < high ? std::abs(v) : high;
    constexpr uint32_t cut = 23 - fraction;
    const auto bits = std::bit_cast<uint32_t>(size);
    const uint32_t rounded = (bits + (1u << (cut - 1)) - 1 + (bits >> cut & 1)) >> cut << cut;
    // Adding what has its last bit where a subnormal's is rounds to that.
    const float magic = std::bit_cast<float>(static_cast<uint32_t>(127 + least - fraction + 23) << 23);
    const float subnormal = (size + magic) - magic;
    const float normal = std::bit_cast<float>(rounded);
    return std::copysign(size < std::bit_cast<float>(static_cast<uint32_t>(127 + least) << 23) ? subnormal : normal, v);
}
template <int fraction, int least> inline uint8_t float8_code(float level) noexcept {
    const float size = std::abs(level);
    const uint32_t normal =
        (std::bit_cast<uint32_t>(size) >> (23 - fraction)) - (static_cast<uint32_t>(126 + least) << fraction);
    const auto subnormal =
        static_cast<uint32_t>(size * std::bit_cast<float>(static_cast<uint32_t>(127 + fraction - least) << 23));
    const bool small = size < std::bit_cast<float>(static_cast<uint32_t>(127 + least) << 23);
    return static_cast<uint8_t>((small ? subnormal : normal) | (std::signbit(level) ? 0x80u : 0u));
}

} // namespace quant
