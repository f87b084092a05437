// Decoders, as kernel/simd/simd_blocks.h has them, of the formats of 1 and 2 bits, the ternary ones, and the
// 4-bit floats.
#pragma once

#include "kernel/x86/x86_bytes.h"

namespace quant::kernel::x86 {
namespace {

using simd::read_u32;

struct Q1_0 {
    static constexpr size_t weights = 128, bytes = 18;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in);
        for (int g = 0; g < 4; ++g) {
            const uint32_t bits = read_u32(in + 2 + 4 * g);
            sink.put(_mm_sub_epi8(Bytes::spread_bits(bits, 2).v, Bytes::all(1).v),
                     _mm_sub_epi8(Bytes::spread_bits(bits >> 16, 2).v, Bytes::all(1).v), d);
        }
    }
};

struct Q2_0 {
    static constexpr size_t weights = 64, bytes = 18;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in);
        const __m128i codes = load16(in + 2);
        // Byte k has codes 4 k to 4 k + 3.
        const __m128i p0 = Bytes(codes).two_bits(0, 0).v, p1 = Bytes(codes).two_bits(2, 0).v;
        const __m128i p2 = Bytes(codes).two_bits(4, 0).v, p3 = Bytes(codes).two_bits(6, 0).v;
        const __m128i a = _mm_unpacklo_epi8(p0, p1), b = _mm_unpacklo_epi8(p2, p3);
        const __m128i c = _mm_unpackhi_epi8(p0, p1), e = _mm_unpackhi_epi8(p2, p3);
        const __m128i one = Bytes::all(1).v;
        sink.put(_mm_sub_epi8(_mm_unpacklo_epi16(a, b), one), _mm_sub_epi8(_mm_unpackhi_epi16(a, b), one), d);
        sink.put(_mm_sub_epi8(_mm_unpacklo_epi16(c, e), one), _mm_sub_epi8(_mm_unpackhi_epi16(c, e), one), d);
    }
};

/// -1, 0 or 1 from the first ternary digit of fractions of 256.
QUANT_INLINE __m128i first_digits(__m128i fractions) {
    const __m128i third = Bytes::all(86).v, two_thirds = Bytes::all(static_cast<char>(171)).v;
    const __m128i at_least_1 = _mm_cmpeq_epi8(_mm_max_epu8(fractions, third), fractions);
    const __m128i at_least_2 = _mm_cmpeq_epi8(_mm_max_epu8(fractions, two_thirds), fractions);
    return _mm_sub_epi8(Bytes::all(-1).v, _mm_add_epi8(at_least_1, at_least_2));
}
/// What is left behind the first ternary digit.
QUANT_INLINE __m128i other_digits(__m128i fractions) {
    return _mm_add_epi8(fractions, _mm_add_epi8(fractions, fractions));
}

struct TQ1_0 {
    static constexpr size_t weights = 256, bytes = 54;
    /// Digits of four bytes, side by side for each place.
    static QUANT_INLINE __m128i digits_of_four(uint32_t four) {
        const __m128i first = _mm_cvtsi32_si128(static_cast<int>(four)), second = other_digits(first);
        const __m128i third = other_digits(second), fourth = other_digits(third);
        return first_digits(_mm_unpacklo_epi64(_mm_unpacklo_epi32(first, second), _mm_unpacklo_epi32(third, fourth)));
    }
    /// The sink takes 256 columns of one scale.
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in + 52);
        __m128i a = load16(in), b = load16(in + 16), c = load16(in + 32);
        for (int n = 0; n < 5; ++n, a = other_digits(a), b = other_digits(b))
            sink.put_part(first_digits(a), first_digits(b), d, n == 0);
        const __m128i c1 = other_digits(c), c2 = other_digits(c1), c3 = other_digits(c2), c4 = other_digits(c3);
        sink.put_part(first_digits(c), first_digits(c1), d, false);
        sink.put_part(first_digits(c2), first_digits(c3), d, false);
        sink.put_part(first_digits(c4), digits_of_four(read_u32(in + 48)), d, false);
    }
};

struct TQ2_0 {
    static constexpr size_t weights = 256, bytes = 66;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in + 64);
        for (int half = 0; half < 2; ++half) {
            const __m128i a = load16(in + 32 * half), b = load16(in + 32 * half + 16);
            for (int n = 0; n < 4; ++n)
                sink.put_part(_mm_sub_epi8(Bytes(a).two_bits(2 * n, 0).v, Bytes::all(1).v),
                              _mm_sub_epi8(Bytes(b).two_bits(2 * n, 0).v, Bytes::all(1).v), d, half == 0 && n == 0);
        }
    }
};

// ---- 4-bit floats: levels are doubled to be whole, scales halved ----------------------

QUANT_INLINE __m128i float4_levels(__m128i nibbles) {
    return _mm_shuffle_epi8(_mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), nibbles);
}

/// 2^(code - 128), of which the two smallest are subnormal.
QUANT_INLINE float power_scale(unsigned code) {
    const uint32_t bits = code > 1 ? (code - 1) << 23 : 0x200000u << code;
    float out;
    __builtin_memcpy(&out, &bits, sizeof out);
    return out;
}

/// Half of a float of 4 bits of exponent and 3 of fraction: a half with other limits.
QUANT_INLINE float float8_scale(unsigned code) {
    return code == 127 ? 0 : 128 * _cvtsh_ss(static_cast<uint16_t>((code & 127) << 7));
}

struct MXFP4 {
    static constexpr size_t weights = 32, bytes = 17;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const __m128i codes = load16(in + 1);
        sink.put(float4_levels(Bytes(codes).low_nibbles().v), float4_levels(Bytes(codes).high_nibbles().v),
                 power_scale(static_cast<unsigned>(in[0])));
    }
};

struct NVFP4 {
    static constexpr size_t weights = 64, bytes = 36;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        for (int g = 0; g < 4; g += 2) {
            // Eight bytes a group: the first half of its columns in the low nibbles.
            const __m128i codes = load16(in + 4 + 8 * g);
            const __m128i low = float4_levels(Bytes(codes).low_nibbles().v), high = float4_levels(Bytes(codes).high_nibbles().v);
            sink.put_pair(_mm_unpacklo_epi64(low, high), _mm_unpackhi_epi64(low, high),
                          float8_scale(static_cast<unsigned>(in[g])), float8_scale(static_cast<unsigned>(in[g + 1])));
        }
    }
};

} // namespace
} // namespace quant::kernel::x86
