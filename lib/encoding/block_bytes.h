// Reading and writing the little-endian fields of blocks.
#pragma once

#include "encoding/float16.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quant {

inline uint16_t load_u16(const std::byte *p) {
    uint16_t v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
inline uint32_t load_u32(const std::byte *p) {
    uint32_t v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
inline void store_u16(std::byte *p, uint16_t v) { std::memcpy(p, &v, sizeof v); }
inline void store_u32(std::byte *p, uint32_t v) { std::memcpy(p, &v, sizeof v); }
inline float load_f16(const std::byte *p) { return f32_from_f16(load_u16(p)); }
inline void store_f16(std::byte *p, float v) { store_u16(p, f16_from_f32(v)); }
inline int load_byte(const std::byte *p) { return static_cast<int>(*p); }

/// The nearest to `v` that half precision's finite numbers reach.
inline float within_f16(float v) {
    constexpr float largest = 65504;
    return v < -largest ? -largest : v > largest ? largest : v;
}

/// The finite half-precision number nearest to `v`, as a float.
inline float nearest_f16(float v) { return f32_from_f16(f16_from_f32(within_f16(v))); }

} // namespace quant
