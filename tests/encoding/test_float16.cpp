// Half precision and bfloat16, over every bit pattern where that is possible.
#include "encoding/float16.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <random>

using namespace quant;

namespace {

bool is_half_nan(uint32_t bits) { return (bits & 0x7c00) == 0x7c00 && (bits & 0x3ff) != 0; }

// The value of a half from its fields, in double.
double half_value(uint32_t bits) {
    const double sign = bits & 0x8000 ? -1 : 1;
    const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 0x3ff);
    if (exponent == 31) return sign * std::numeric_limits<double>::infinity();
    return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

} // namespace

TEST_CASE("every half becomes the float of its value and comes back") {
    for (uint32_t bits = 0; bits < 65536; bits++) {
        const auto half = static_cast<uint16_t>(bits);
        const float value = f32_from_f16(half);
        if (is_half_nan(bits)) {
            if (!std::isnan(value) || f16_from_f32(value) != (half | 0x200)) FAIL("NaN " << bits);
            continue;
        }
        if (double{value} != half_value(bits) || std::signbit(value) != ((bits & 0x8000) != 0) ||
            f16_from_f32(value) != half)
            FAIL("half " << bits << " is " << value);
    }
}

TEST_CASE("between two halves the nearer is taken, and the even one in the middle") {
    for (uint32_t bits = 0; bits < 0x7c00; bits++) {
        const double low = half_value(bits), high = bits == 0x7bff ? 65536 : half_value(bits + 1);
        const auto middle = static_cast<float>((low + high) / 2);
        const auto even = static_cast<uint16_t>(bits % 2 ? bits + 1 : bits);
        const auto below = std::nextafter(middle, 0.0f), above = std::nextafter(middle, 1e9f);
        if (f16_from_f32(middle) != even || f16_from_f32(below) != bits || f16_from_f32(above) != bits + 1 ||
            f16_from_f32(-middle) != (even | 0x8000))
            FAIL("about " << middle);
    }
}

TEST_CASE("what no half can hold becomes infinity, zero or a quiet NaN") {
    REQUIRE(f16_from_f32(65519.996f) == 0x7bff);
    REQUIRE(f16_from_f32(65520.0f) == 0x7c00);
    REQUIRE(f16_from_f32(-1e30f) == 0xfc00);
    REQUIRE(f16_from_f32(std::numeric_limits<float>::infinity()) == 0x7c00);
    REQUIRE(f16_from_f32(0x1p-25f) == 0);
    REQUIRE(f16_from_f32(std::numeric_limits<float>::denorm_min()) == 0);
    REQUIRE(f16_from_f32(-0.0f) == 0x8000);
    REQUIRE(std::isnan(f32_from_f16(f16_from_f32(std::numeric_limits<float>::quiet_NaN()))));
    REQUIRE(std::isnan(f32_from_f16(f16_from_f32(std::bit_cast<float>(0x7f800001u)))));
}

TEST_CASE("bfloat16 rounds to the nearest, ties to even, over all upper halves") {
    for (uint32_t bits = 0; bits < 65536; bits++) {
        const float value = f32_from_bf16(static_cast<uint16_t>(bits));
        if (std::isnan(value)) {
            if (bf16_from_f32(value) != (bits | 0x40)) FAIL("NaN " << bits);
            continue;
        }
        if (bf16_from_f32(value) != bits) FAIL("bfloat16 " << bits);
        if (std::isinf(value)) continue;
        const auto at = [&](uint32_t low) { return bf16_from_f32(std::bit_cast<float>(bits << 16 | low)); };
        if (at(0x7fff) != bits || at(0x8001) != bits + 1 || at(0x8000) != bits + bits % 2) FAIL("after " << bits);
    }
    REQUIRE(std::isnan(f32_from_bf16(bf16_from_f32(std::bit_cast<float>(0x7f800001u)))));
}
