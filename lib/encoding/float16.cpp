#include "encoding/float16.h"

namespace quant {

float f32_from_f16(uint16_t half) noexcept {
    const uint32_t sign = uint32_t{half & 0x8000u} << 16;
    const uint32_t magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00) { // Infinity, or NaN made quiet.
        const uint32_t payload = (magnitude & 0x3ff) << 13;
        return std::bit_cast<float>(sign | 0x7f800000 | payload | (payload ? 0x400000 : 0));
    }
    if (magnitude >= 0x400) return std::bit_cast<float>(sign | ((magnitude << 13) + (112u << 23)));
    // Subnormal: magnitude * 2^-24, exact in float32.
    const float value = static_cast<float>(magnitude) * 0x1p-24f;
    return sign ? -value : value;
}

uint16_t f16_from_f32(float value) noexcept {
    const auto bits = std::bit_cast<uint32_t>(value);
    const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00 | ((magnitude >> 13) & 0x3ff));
    if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and more round to infinity.
    if (magnitude < 0x38800000) {
        // Below 2^-14: adding 0.5 puts the rounding where the subnormal's last bit is.
        const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
        return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000));
    }
    const uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
    return static_cast<uint16_t>(sign | ((rounded - (112u << 23)) >> 13));
}

} // namespace quant
