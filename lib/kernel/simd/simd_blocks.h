// Decoders of the block encodings, written once for all instruction sets and vector widths.
//
// Every decoder walks its block in the order of the weights and hands groups of 32 to a
// sink: codes as signed bytes, with a scale and maybe an offset for each 16. The sink
// stores them or multiplies them with activations, so that decode and fused dot share
// one body. Products of an 11-bit scale with the small integers of these formats are
// exact in float32, which is why fused multiply-add gives the reference's bits.
//
// Sink::Bytes is a register of 16 bytes (x86_bytes.h, neon_bytes.h). Everything here is a
// template over the tier's types or has internal linkage: the linker must never pick one
// tier's code for another.
#pragma once

#include "kernel/simd/simd_inline.h"

#include <cstddef>
#include <cstdint>

namespace quant::kernel::simd {
namespace {

// ---- formats of 32 weights --------------------------------------------------------

struct Q4_0 {
    static constexpr size_t weights = 32, bytes = 18;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        const B codes = B::load(in + 2);
        sink.put(codes.low_nibbles() - B::all(8), codes.high_nibbles() - B::all(8), B::f16_at(in));
    }
};

struct Q4_1 {
    static constexpr size_t weights = 32, bytes = 20;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        const B codes = B::load(in + 4);
        sink.put(codes.low_nibbles(), codes.high_nibbles(), B::f16_at(in), B::f16_at(in + 2));
    }
};

struct Q5_0 {
    static constexpr size_t weights = 32, bytes = 22;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        const uint32_t high = read_u32(in + 2);
        const B codes = B::load(in + 6);
        const B a = codes.low_nibbles() | B::spread_bits(high, 16);
        const B b = codes.high_nibbles() | B::spread_bits(high >> 16, 16);
        sink.put(a - B::all(16), b - B::all(16), B::f16_at(in));
    }
};

struct Q5_1 {
    static constexpr size_t weights = 32, bytes = 24;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        const uint32_t high = read_u32(in + 4);
        const B codes = B::load(in + 8);
        sink.put(codes.low_nibbles() | B::spread_bits(high, 16), codes.high_nibbles() | B::spread_bits(high >> 16, 16),
                 B::f16_at(in), B::f16_at(in + 2));
    }
};

struct Q8_0 {
    static constexpr size_t weights = 32, bytes = 34;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        sink.put(B::load(in + 2), B::load(in + 18), B::f16_at(in));
    }
};

constexpr int8_t table_of_16[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

struct IQ4_NL {
    static constexpr size_t weights = 32, bytes = 18;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        const B codes = B::load(in + 2);
        sink.put(codes.low_nibbles().in_table(table_of_16), codes.high_nibbles().in_table(table_of_16), B::f16_at(in));
    }
};

// ---- formats of 256 weights -------------------------------------------------------

/// Scales and offsets of Q4_K and Q5_K: eight pairs of 6-bit numbers in 12 bytes. The
/// first four of each are the low six bits of bytes 0-3 and 4-7; the others take
/// nibbles of bytes 8-11 and, as their top, the two high bits left over there.
template <class B>
struct SixBitPairs {
    float scale[16]; ///< 8 used
    float offset[16];

    QUANT_INLINE explicit SixBitPairs(const std::byte *in) {
        const uint32_t a = read_u32(in + 4), b = read_u32(in + 8), c = read_u32(in + 12);
        const uint32_t scale_low = a & 0x3f3f3f3f, scale_high = (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030);
        const uint32_t min_low = b & 0x3f3f3f3f, min_high = (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030);
        B::of_words(scale_low, scale_high, 0, 0).scaled(B::f16_at(in), scale);
        B::of_words(min_low, min_high, 0, 0).scaled(-B::f16_at(in + 2), offset);
    }
};

struct Q4_K {
    static constexpr size_t weights = 256, bytes = 144;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        const SixBitPairs<B> pairs(in);
        for (int c = 0; c < 4; ++c) {
            const B a = B::load(in + 16 + 32 * c), b = B::load(in + 32 + 32 * c);
            sink.put(a.low_nibbles(), b.low_nibbles(), pairs.scale[2 * c], pairs.offset[2 * c]);
            sink.put(a.high_nibbles(), b.high_nibbles(), pairs.scale[2 * c + 1], pairs.offset[2 * c + 1]);
        }
    }
};

struct Q5_K {
    static constexpr size_t weights = 256, bytes = 176;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        const SixBitPairs<B> pairs(in);
        const B high_a = B::load(in + 16), high_b = B::load(in + 32);
        for (int c = 0; c < 4; ++c) {
            const B a = B::load(in + 48 + 32 * c), b = B::load(in + 64 + 32 * c);
            sink.put(a.low_nibbles() | high_a.bit_of(2 * c, 16), b.low_nibbles() | high_b.bit_of(2 * c, 16),
                     pairs.scale[2 * c], pairs.offset[2 * c]);
            sink.put(a.high_nibbles() | high_a.bit_of(2 * c + 1, 16), b.high_nibbles() | high_b.bit_of(2 * c + 1, 16),
                     pairs.scale[2 * c + 1], pairs.offset[2 * c + 1]);
        }
    }
};

struct Q2_K {
    static constexpr size_t weights = 256, bytes = 84;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        float scale[16], offset[16];
        const B packed = B::load(in);
        packed.low_nibbles().scaled(B::f16_at(in + 80), scale);
        packed.high_nibbles().scaled(-B::f16_at(in + 82), offset);
        for (int half = 0; half < 2; ++half) {
            const B a = B::load(in + 16 + 32 * half), b = B::load(in + 32 + 32 * half);
            for (int j = 0; j < 4; ++j) {
                const int g = 8 * half + 2 * j;
                sink.put_pair(a.two_bits(2 * j, 0), b.two_bits(2 * j, 0), scale[g], scale[g + 1], offset[g],
                              offset[g + 1]);
            }
        }
    }
};

struct Q3_K {
    static constexpr size_t weights = 256, bytes = 110;
    /// Sixteen 6-bit scales: nibbles of bytes 0-7 (low ones first), topped by two bits
    /// each of bytes 8-11.
    template <class B>
    static QUANT_INLINE B scale_codes(const std::byte *in) {
        const uint32_t a = read_u32(in), b = read_u32(in + 4), c = read_u32(in + 8);
        const auto with_top = [c](uint32_t low, int k) { return (low & 0x0f0f0f0f) | (c >> 2 * k & 0x03030303) << 4; };
        return B::of_words(with_top(a, 0), with_top(b, 1), with_top(a >> 4, 2), with_top(b >> 4, 3)) - B::all(32);
    }
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        float scale[16];
        scale_codes<B>(in + 96).scaled(B::f16_at(in + 108), scale);
        const B high_a = B::load(in), high_b = B::load(in + 16);
        for (int half = 0; half < 2; ++half) {
            const B a = B::load(in + 32 + 32 * half), b = B::load(in + 48 + 32 * half);
            for (int j = 0; j < 4; ++j) {
                const int bit = 4 * half + j, g = 8 * half + 2 * j;
                const B top_a = high_a.bit_of(bit, 4) - B::all(4);
                const B top_b = high_b.bit_of(bit, 4) - B::all(4);
                sink.put_pair(a.two_bits(2 * j, 0) + top_a, b.two_bits(2 * j, 0) + top_b, scale[g], scale[g + 1]);
            }
        }
    }
};

struct Q6_K {
    static constexpr size_t weights = 256, bytes = 210;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        float scale[16];
        B::load(in + 192).scaled(B::f16_at(in + 208), scale);
        for (int half = 0; half < 2; ++half) {
            const std::byte *low = in + 64 * half, *high = in + 128 + 32 * half;
            const B high_a = B::load(high), high_b = B::load(high + 16);
            for (int j = 0; j < 4; ++j) {
                const B a = B::load(low + 32 * (j & 1)), b = B::load(low + 32 * (j & 1) + 16);
                const B low_a = j < 2 ? a.low_nibbles() : a.high_nibbles();
                const B low_b = j < 2 ? b.low_nibbles() : b.high_nibbles();
                const B code_a = low_a | high_a.two_bits(2 * j, 4);
                const B code_b = low_b | high_b.two_bits(2 * j, 4);
                const int g = 8 * half + 2 * j;
                sink.put_pair(code_a - B::all(32), code_b - B::all(32), scale[g], scale[g + 1]);
            }
        }
    }
};

struct IQ4_XS {
    static constexpr size_t weights = 256, bytes = 136;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        const float d = B::f16_at(in);
        const uint32_t top = read_u16(in + 2), low = read_u32(in + 4);
        for (int g = 0; g < 8; ++g) {
            const int code = static_cast<int>((low >> 4 * g & 15) | (top >> 2 * g & 3) << 4) - 32;
            const B codes = B::load(in + 8 + 16 * g);
            sink.put(codes.low_nibbles().in_table(table_of_16), codes.high_nibbles().in_table(table_of_16),
                     d * static_cast<float>(code));
        }
    }
};

} // namespace
} // namespace quant::kernel::simd
