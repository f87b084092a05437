// Sixteen codes or weights side by side: bytes taken apart into whole numbers, and
// those turned to weights. Vectors of the compiler, which takes them apart for narrower
// CPUs; it finds these loops by itself only sometimes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quant {

inline constexpr size_t code_lanes = 16;
using CodeLanes = int32_t __attribute__((vector_size(4 * code_lanes)));
using WeightLanes = float __attribute__((vector_size(4 * code_lanes)));

/// 16 bytes, each a number from 0 to 255.
inline CodeLanes byte_lanes(const std::byte *p) {
    using Words = uint16_t __attribute__((vector_size(2 * code_lanes)));
    uint8_t bytes __attribute__((vector_size(code_lanes)));
    std::memcpy(&bytes, p, sizeof bytes);
    // The compiler widens to twice the size with one instruction, to four times with dozens.
    return __builtin_convertvector(__builtin_convertvector(bytes, Words), CodeLanes);
}

/// Lane i is bit i.
inline CodeLanes bit_lanes(uint32_t bits) {
    constexpr CodeLanes masks = {1 << 0, 1 << 1, 1 << 2,  1 << 3,  1 << 4,  1 << 5,  1 << 6,  1 << 7,
                                 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15};
    return ((CodeLanes{} + static_cast<int32_t>(bits & 0xffff)) & masks) != 0 ? CodeLanes{} + 1 : CodeLanes{};
}

inline WeightLanes as_weights(CodeLanes codes) { return __builtin_convertvector(codes, WeightLanes); }

inline WeightLanes load_lanes(const float *p) {
    WeightLanes weights;
    std::memcpy(&weights, p, sizeof weights);
    return weights;
}
inline void store_lanes(float *p, WeightLanes weights) { std::memcpy(p, &weights, sizeof weights); }

} // namespace quant
