// Decoders, as kernel/simd/simd_blocks.h has them, of the codebook formats: a load for each point, signs
// from masks. A code has no more bits than its book has points, so that no block, whatever its
// bytes, reads outside.
#pragma once

#include "encoding/grid_bytes.h"
#include "kernel/x86/x86_bytes.h"

namespace quant::kernel::x86 {
namespace {

using simd::read_u16, simd::read_u32;

/// Two points of eight, or four of four, as signed bytes.
template <size_t Points> QUANT_INLINE __m128i two_points(const GridBytes<Points, 8> &book, uint32_t a, uint32_t b) {
    long long first, second;
    __builtin_memcpy(&first, book.point[a], sizeof first);
    __builtin_memcpy(&second, book.point[b], sizeof second);
    return _mm_xor_si128(_mm_set_epi64x(second, first), Bytes::all(static_cast<char>(grid_bias)).v);
}
template <size_t Points>
QUANT_INLINE __m128i four_points(const GridBytes<Points, 4> &book, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    const auto of = [&](uint32_t code) __attribute__((always_inline)) {
        int four;
        __builtin_memcpy(&four, book.point[code], sizeof four);
        return four;
    };
    return _mm_xor_si128(_mm_setr_epi32(of(a), of(b), of(c), of(d)), Bytes::all(static_cast<char>(grid_bias)).v);
}

/// Negated where the byte's bit in the low 16 bits of `signs` is set.
QUANT_INLINE __m128i with_signs(__m128i v, uint32_t signs) {
    const __m128i minus = Bytes::spread_bits(signs, -1).v;
    return _mm_sub_epi8(_mm_xor_si128(v, minus), minus);
}

/// Each byte's top bit becomes the parity of the seven below it.
QUANT_INLINE uint32_t with_parity(uint32_t sevens) {
    uint32_t odd = sevens ^ sevens >> 4; // The low half of each byte counts.
    odd ^= odd >> 2;
    odd ^= odd >> 1;
    return sevens | (odd & 0x01010101) << 7;
}
/// Four times seven bits, as 32 signs.
QUANT_INLINE uint32_t signs_of_28_bits(uint32_t v) {
    return with_parity((v & 0x7f) | (v << 1 & 0x7f00) | (v << 2 & 0x7f0000) | (v << 3 & 0x7f000000));
}
QUANT_INLINE uint32_t byte_at(const std::byte *p) { return static_cast<uint32_t>(*p); }

struct IQ2_XXS {
    static constexpr size_t weights = 256, bytes = 66;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in) * 0.25f;
        const std::byte *group = in + 2;
        for (int g = 0; g < 8; ++g, group += 8) {
            const uint32_t rest = read_u32(group + 4), signs = signs_of_28_bits(rest);
            const __m128i a = two_points(bytes_256x8, byte_at(group), byte_at(group + 1));
            const __m128i b = two_points(bytes_256x8, byte_at(group + 2), byte_at(group + 3));
            sink.put(with_signs(a, signs), with_signs(b, signs >> 16), d * (0.5f + static_cast<float>(rest >> 28)));
        }
    }
};

/// A scale of each 16 weights, from the nibbles of a byte.
struct NibbleScales {
    float first, second;
    QUANT_INLINE NibbleScales(float d, uint32_t byte)
        : first(d * (0.5f + static_cast<float>(byte & 15))),
          second(d * (0.5f + static_cast<float>(byte >> 4))) {}
};

struct IQ2_XS {
    static constexpr size_t weights = 256, bytes = 74;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in) * 0.25f;
        for (int g = 0; g < 8; ++g) {
            const uint32_t p = read_u32(in + 2 + 8 * g), q = read_u32(in + 6 + 8 * g);
            const uint32_t signs =
                with_parity((p >> 9 & 0x7f) | (p >> 17 & 0x7f00) | (q << 7 & 0x7f0000) | (q >> 1 & 0x7f000000));
            const NibbleScales scale(d, byte_at(in + 66 + g));
            sink.put_pair(with_signs(two_points(bytes_512x8, p & 511, p >> 16 & 511), signs),
                          with_signs(two_points(bytes_512x8, q & 511, q >> 16 & 511), signs >> 16), scale.first,
                          scale.second);
        }
    }
};

struct IQ2_S {
    static constexpr size_t weights = 256, bytes = 82;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in) * 0.25f;
        for (int g = 0; g < 8; ++g) {
            const std::byte *low = in + 2 + 4 * g;
            const uint32_t high = byte_at(in + 66 + g), signs = read_u32(in + 34 + 4 * g);
            const __m128i a =
                two_points(bytes_1024x8, byte_at(low) | (high << 8 & 0x300), byte_at(low + 1) | (high << 6 & 0x300));
            const __m128i b = two_points(bytes_1024x8, byte_at(low + 2) | (high << 4 & 0x300),
                                         byte_at(low + 3) | (high << 2 & 0x300));
            const NibbleScales scale(d, byte_at(in + 74 + g));
            sink.put_pair(with_signs(a, signs), with_signs(b, signs >> 16), scale.first, scale.second);
        }
    }
};

struct IQ3_XXS {
    static constexpr size_t weights = 256, bytes = 98;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in) * 0.5f;
        const std::byte *p = in + 2;
        for (int g = 0; g < 8; ++g, p += 8) {
            const uint32_t rest = read_u32(in + 66 + 4 * g), signs = signs_of_28_bits(rest);
            const __m128i a = four_points(bytes_256x4, byte_at(p), byte_at(p + 1), byte_at(p + 2), byte_at(p + 3));
            const __m128i b = four_points(bytes_256x4, byte_at(p + 4), byte_at(p + 5), byte_at(p + 6), byte_at(p + 7));
            sink.put(with_signs(a, signs), with_signs(b, signs >> 16), d * (0.5f + static_cast<float>(rest >> 28)));
        }
    }
};

struct IQ3_S {
    static constexpr size_t weights = 256, bytes = 110;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in);
        const std::byte *p = in + 2;
        for (int g = 0; g < 8; ++g, p += 8) {
            const uint32_t high = byte_at(in + 66 + g), signs = read_u32(in + 74 + 4 * g);
            const auto code = [&](int i) __attribute__((always_inline)) {
                return byte_at(p + i) | (high >> i & 1) << 8;
            };
            const uint32_t scale = byte_at(in + 106 + g / 2) >> (g % 2 * 4) & 15;
            sink.put(with_signs(four_points(bytes_512x4, code(0), code(1), code(2), code(3)), signs),
                     with_signs(four_points(bytes_512x4, code(4), code(5), code(6), code(7)), signs >> 16),
                     d * static_cast<float>(1 + 2 * scale));
        }
    }
};

// IQ1 shifts coordinates by an eighth, up or down. The book counts eighths, so that the shift is
// 1 or -1 and a weight is a byte without an offset.
constexpr float eighth = 1.0f / grid1_unit;

struct IQ1_S {
    static constexpr size_t weights = 256, bytes = 50;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = Bytes::f16_at(in) * eighth;
        for (int g = 0; g < 8; ++g) {
            const std::byte *low = in + 2 + 4 * g;
            const uint32_t word = read_u16(in + 34 + 2 * g);
            const __m128i shift = Bytes::all(word >> 15 ? -1 : 1).v;
            const __m128i a =
                two_points(bytes_2048x8, byte_at(low) | (word << 8 & 0x700), byte_at(low + 1) | (word << 5 & 0x700));
            const __m128i b = two_points(bytes_2048x8, byte_at(low + 2) | (word << 2 & 0x700),
                                         byte_at(low + 3) | (word >> 1 & 0x700));
            sink.put(_mm_add_epi8(a, shift), _mm_add_epi8(b, shift), d * static_cast<float>(1 + 2 * (word >> 12 & 7)));
        }
    }
};

struct IQ1_M {
    static constexpr size_t weights = 256, bytes = 56;
    /// Two points and their shifts, from 16 bits of codes and the byte of their nibbles.
    static QUANT_INLINE __m128i shifted(const std::byte *low, uint32_t high) {
        const __m128i points =
            two_points(bytes_2048x8, byte_at(low) | (high << 8 & 0x700), byte_at(low + 1) | (high << 4 & 0x700));
        const auto shift = [](uint32_t down) __attribute__((always_inline)) {
            return down ? -1LL : 0x0101010101010101LL;
        };
        return _mm_add_epi8(points, _mm_set_epi64x(shift(high & 128), shift(high & 8)));
    }
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const uint32_t w0 = read_u16(in + 48), w1 = read_u16(in + 50), w2 = read_u16(in + 52), w3 = read_u16(in + 54);
        const float d =
            _cvtsh_ss(static_cast<uint16_t>(w0 >> 12 | (w1 >> 8 & 0xf0) | (w2 >> 4 & 0xf00) | (w3 & 0xf000))) * eighth;
        for (int g = 0; g < 8; ++g) {
            const uint32_t scales = read_u16(in + 48 + g / 2 * 2) >> (g % 2 * 6);
            sink.put_pair(
                shifted(in + 4 * g, byte_at(in + 32 + 2 * g)), shifted(in + 4 * g + 2, byte_at(in + 33 + 2 * g)),
                d * static_cast<float>(1 + 2 * (scales & 7)), d * static_cast<float>(1 + 2 * (scales >> 3 & 7)));
        }
    }
};

} // namespace
} // namespace quant::kernel::x86
