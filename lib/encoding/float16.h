// IEEE binary16 and bfloat16 to and from float32, exact and rounded to nearest even.
#pragma once

#include <bit>
#include <cstdint>

namespace quant {

/// Exact; NaN keeps its payload (as the hardware's conversion does, made quiet).
float f32_from_f16(uint16_t half) noexcept;
/// Nearest, ties to even; overflow becomes infinity, NaN stays NaN.
uint16_t f16_from_f32(float value) noexcept;

inline float f32_from_bf16(uint16_t bits) noexcept { return std::bit_cast<float>(uint32_t{bits} << 16); }
/// Nearest, ties to even; NaN is made quiet.
inline uint16_t bf16_from_f32(float value) noexcept {
    const auto bits = std::bit_cast<uint32_t>(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((bits >> 16) | 0x40);
    return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

} // namespace quant
