// Sixteen bytes in an array: what the decoders of kernel/simd do with codes, one at a time.
#pragma once

#include "encoding/block_bytes.h"
#include "kernel/simd/simd_inline.h"

#include <array>
#include <cstring>

namespace quant::kernel::scalar {
namespace {

/// Bytes as the templates of kernel/simd want them; arithmetic wraps around.
struct Bytes {
    std::array<uint8_t, 16> v;

    template <class Of>
    static Bytes each(const Of &of) {
        Bytes out;
        for (size_t i = 0; i < 16; ++i) out.v[i] = static_cast<uint8_t>(of(i));
        return out;
    }
    static Bytes load(const std::byte *p) { return each([&](size_t i) { return std::to_integer<int>(p[i]); }); }
    static Bytes all(int value) { return each([&](size_t) { return value; }); }
    static Bytes of_words(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
        const uint32_t words[4] = {a, b, c, d};
        return each([&](size_t i) { return words[i / 4] >> (i % 4 * 8); });
    }
    void store(uint8_t *p) const { std::memcpy(p, v.data(), v.size()); }

    Bytes operator+(Bytes b) const { return each([&](size_t i) { return v[i] + b.v[i]; }); }
    Bytes operator-(Bytes b) const { return each([&](size_t i) { return v[i] - b.v[i]; }); }
    Bytes operator|(Bytes b) const { return each([&](size_t i) { return v[i] | b.v[i]; }); }
    Bytes low_nibbles() const { return each([&](size_t i) { return v[i] & 15; }); }
    Bytes high_nibbles() const { return each([&](size_t i) { return v[i] >> 4; }); }
    /// Two bits of each byte, from bit `shift`, moved to bit `to`.
    Bytes two_bits(int shift, int to) const { return each([&](size_t i) { return (v[i] >> shift & 3) << to; }); }
    /// `bit` where bit `index` of the byte is set, else 0.
    Bytes bit_of(int index, int bit) const { return each([&](size_t i) { return (v[i] >> index & 1) * bit; }); }
    /// `bit` in byte i where bit i of the number is set, else 0.
    static Bytes spread_bits(uint32_t sixteen_bits, int bit) {
        return each([&](size_t i) { return static_cast<int>(sixteen_bits >> i & 1) * bit; });
    }
    /// Of each byte, below 16, the byte at this place of `table`.
    Bytes in_table(const int8_t (&table)[16]) const { return each([&](size_t i) { return table[v[i]]; }); }
    /// Added to the codes of products with bytes: these are signed, as they are.
    static constexpr int product_bias = 0;
    /// Signed bytes as floats, times `factor`.
    void scaled(float factor, float *out) const {
        for (size_t i = 0; i < 16; ++i) out[i] = static_cast<float>(static_cast<int8_t>(v[i])) * factor;
    }
    static float f16_at(const std::byte *p) { return load_f16(p); }
};

/// As much of a tier's Simd type as rows of bytes take.
struct Simd {
    using Bytes = scalar::Bytes;
};

} // namespace
} // namespace quant::kernel::scalar
