// Scales of numbers in 16 bits, as every tier computes them: plain C++, inlined into each.
#pragma once

#include "kernel/pair_kernels.h"

#include <bit>

namespace quant::kernel {
namespace {

/// What multiplies numbers of up to `largest` so that they are whole ones of up to `limit`.
inline __attribute__((always_inline)) float pair_factor(float largest, float limit) {
    return largest > 1e-30f ? limit / largest : 0.0f; // Behind less, the quotient would overflow.
}

/// The exponent of the scale of a value's row: of the least power of two that keeps it within most_value.
inline __attribute__((always_inline)) int32_t value_power(float largest) {
    static_assert(most_value == 4095);
    // Rounded up where 12 bits would round to 4096.
    const int32_t power = static_cast<int32_t>((std::bit_cast<uint32_t>(largest) + 0x800) >> 23) - 127 - 11;
    return power > -60 ? power : -60; // Less is zero; sums of 1 / scale stay in range.
}

inline __attribute__((always_inline)) float power_of_two(int32_t n) {
    return std::bit_cast<float>(static_cast<uint32_t>(n + 127) << 23);
}

/// 2^r = 1 + r * (...) for |r| <= 1/2, relative error below 2.9e-6.
constexpr float exp2_terms[] = {0x1.62e12cp-1f, 0x1.ec0378p-3f, 0x1.c9fc46p-5f, 0x1.3a02ccp-7f};
/// Where floats lie 1 apart: adding rounds to a whole number, whose low bits are the sum's.
constexpr float whole_numbers = 0x1.8p23f;
/// Less than 2^this is as good as nothing.
constexpr float least_exponent = -126;

} // namespace
} // namespace quant::kernel
