// Decoders of the block encodings for x86, written once for all vector widths.
//
// Every decoder walks its block in the order of the weights and hands groups of 32 to a
// sink: codes as signed bytes, with a scale and maybe an offset for each 16. The sink
// stores them or multiplies them with activations, so that decode and fused dot share
// one body. Products of an 11-bit scale with the small integers of these formats are
// exact in float32, which is why fused multiply-add gives the reference's bits.
//
// Everything here is a template over the tier's Simd type or has internal linkage:
// the linker must never pick one tier's code for another.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace quant::kernel::x86 {
namespace {

#define QUANT_INLINE inline __attribute__((always_inline))

QUANT_INLINE __m128i load16(const std::byte *p) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(p)); }
QUANT_INLINE uint16_t read_u16(const std::byte *p) {
    uint16_t v;
    __builtin_memcpy(&v, p, 2);
    return v;
}
QUANT_INLINE uint32_t read_u32(const std::byte *p) {
    uint32_t v;
    __builtin_memcpy(&v, p, 4);
    return v;
}
QUANT_INLINE float read_f16(const std::byte *p) { return _cvtsh_ss(read_u16(p)); }
QUANT_INLINE __m128i bytes_of(char value) { return _mm_set1_epi8(value); }
QUANT_INLINE __m128i low_nibbles(__m128i v) { return _mm_and_si128(v, bytes_of(15)); }
QUANT_INLINE __m128i high_nibbles(__m128i v) { return low_nibbles(_mm_srli_epi16(v, 4)); }

/// `bit` where the byte's bit `index` is set, else 0.
QUANT_INLINE __m128i spread_bits(uint32_t sixteen_bits, char bit) {
    const __m128i which = _mm_set_epi8(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i mask = _mm_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
    const __m128i bytes = _mm_shuffle_epi8(_mm_cvtsi32_si128(static_cast<int>(sixteen_bits)), which);
    return _mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(bytes, mask), mask), bytes_of(bit));
}

/// Two bits of each byte, from bit `shift`, moved to bit `to`.
QUANT_INLINE __m128i two_bits(__m128i v, int shift, int to) {
    const __m128i bits = _mm_and_si128(_mm_srl_epi16(v, _mm_cvtsi32_si128(shift)), bytes_of(3));
    return _mm_sll_epi16(bits, _mm_cvtsi32_si128(to));
}

/// `bit` where bit `index` of the byte is set, else 0.
QUANT_INLINE __m128i bit_of(__m128i v, int index, char bit) {
    const __m128i mask = bytes_of(static_cast<char>(1 << index));
    return _mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(v, mask), mask), bytes_of(bit));
}

// ---- formats of 32 weights --------------------------------------------------------

struct Q4_0 {
    static constexpr size_t weights = 32, bytes = 18;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const __m128i codes = load16(in + 2);
        sink.put(_mm_sub_epi8(low_nibbles(codes), bytes_of(8)), _mm_sub_epi8(high_nibbles(codes), bytes_of(8)),
                 read_f16(in));
    }
};

struct Q4_1 {
    static constexpr size_t weights = 32, bytes = 20;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const __m128i codes = load16(in + 4);
        sink.put(low_nibbles(codes), high_nibbles(codes), read_f16(in), read_f16(in + 2));
    }
};

struct Q5_0 {
    static constexpr size_t weights = 32, bytes = 22;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const uint32_t high = read_u32(in + 2);
        const __m128i codes = load16(in + 6);
        const __m128i a = _mm_or_si128(low_nibbles(codes), spread_bits(high, 16));
        const __m128i b = _mm_or_si128(high_nibbles(codes), spread_bits(high >> 16, 16));
        sink.put(_mm_sub_epi8(a, bytes_of(16)), _mm_sub_epi8(b, bytes_of(16)), read_f16(in));
    }
};

struct Q5_1 {
    static constexpr size_t weights = 32, bytes = 24;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const uint32_t high = read_u32(in + 4);
        const __m128i codes = load16(in + 8);
        sink.put(_mm_or_si128(low_nibbles(codes), spread_bits(high, 16)),
                 _mm_or_si128(high_nibbles(codes), spread_bits(high >> 16, 16)), read_f16(in), read_f16(in + 2));
    }
};

struct Q8_0 {
    static constexpr size_t weights = 32, bytes = 34;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        sink.put(load16(in + 2), load16(in + 18), read_f16(in));
    }
};

QUANT_INLINE __m128i levels_of_16(__m128i nibbles) {
    const __m128i levels = _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
    return _mm_shuffle_epi8(levels, nibbles);
}

struct IQ4_NL {
    static constexpr size_t weights = 32, bytes = 18;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const __m128i codes = load16(in + 2);
        sink.put(levels_of_16(low_nibbles(codes)), levels_of_16(high_nibbles(codes)), read_f16(in));
    }
};

// ---- formats of 256 weights -------------------------------------------------------

/// 16 bytes of small unsigned integers, times `factor`.
QUANT_INLINE void scaled_bytes(__m128i bytes, float factor, float *out) {
    const __m256 f = _mm256_set1_ps(factor);
    const __m256i low = _mm256_cvtepi8_epi32(bytes), high = _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8));
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(low), f));
    _mm256_storeu_ps(out + 8, _mm256_mul_ps(_mm256_cvtepi32_ps(high), f));
}

/// Scales and offsets of Q4_K and Q5_K: eight pairs of 6-bit numbers in 12 bytes. The
/// first four of each are the low six bits of bytes 0-3 and 4-7; the others take
/// nibbles of bytes 8-11 and, as their top, the two high bits left over there.
struct SixBitPairs {
    float scale[16]; ///< 8 used
    float offset[16];

    QUANT_INLINE explicit SixBitPairs(const std::byte *in) {
        const uint32_t a = read_u32(in + 4), b = read_u32(in + 8), c = read_u32(in + 12);
        const uint32_t scale_low = a & 0x3f3f3f3f, scale_high = (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030);
        const uint32_t min_low = b & 0x3f3f3f3f, min_high = (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030);
        scaled_bytes(_mm_setr_epi32(static_cast<int>(scale_low), static_cast<int>(scale_high), 0, 0), read_f16(in),
                     scale);
        scaled_bytes(_mm_setr_epi32(static_cast<int>(min_low), static_cast<int>(min_high), 0, 0), -read_f16(in + 2),
                     offset);
    }
};

struct Q4_K {
    static constexpr size_t weights = 256, bytes = 144;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const SixBitPairs pairs(in);
        for (int c = 0; c < 4; ++c) {
            const __m128i a = load16(in + 16 + 32 * c), b = load16(in + 32 + 32 * c);
            sink.put(low_nibbles(a), low_nibbles(b), pairs.scale[2 * c], pairs.offset[2 * c]);
            sink.put(high_nibbles(a), high_nibbles(b), pairs.scale[2 * c + 1], pairs.offset[2 * c + 1]);
        }
    }
};

struct Q5_K {
    static constexpr size_t weights = 256, bytes = 176;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const SixBitPairs pairs(in);
        const __m128i high_a = load16(in + 16), high_b = load16(in + 32);
        for (int c = 0; c < 4; ++c) {
            const __m128i a = load16(in + 48 + 32 * c), b = load16(in + 64 + 32 * c);
            sink.put(_mm_or_si128(low_nibbles(a), bit_of(high_a, 2 * c, 16)),
                     _mm_or_si128(low_nibbles(b), bit_of(high_b, 2 * c, 16)), pairs.scale[2 * c], pairs.offset[2 * c]);
            sink.put(_mm_or_si128(high_nibbles(a), bit_of(high_a, 2 * c + 1, 16)),
                     _mm_or_si128(high_nibbles(b), bit_of(high_b, 2 * c + 1, 16)), pairs.scale[2 * c + 1],
                     pairs.offset[2 * c + 1]);
        }
    }
};

struct Q2_K {
    static constexpr size_t weights = 256, bytes = 84;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        float scale[16], offset[16];
        const __m128i packed = load16(in);
        scaled_bytes(low_nibbles(packed), read_f16(in + 80), scale);
        scaled_bytes(high_nibbles(packed), -read_f16(in + 82), offset);
        for (int half = 0; half < 2; ++half) {
            const __m128i a = load16(in + 16 + 32 * half), b = load16(in + 32 + 32 * half);
            for (int j = 0; j < 4; ++j) {
                const int g = 8 * half + 2 * j;
                sink.put_pair(two_bits(a, 2 * j, 0), two_bits(b, 2 * j, 0), scale[g], scale[g + 1], offset[g],
                              offset[g + 1]);
            }
        }
    }
};

struct Q3_K {
    static constexpr size_t weights = 256, bytes = 110;
    /// Sixteen 6-bit scales: nibbles of bytes 0-7 (low ones first), topped by two bits
    /// each of bytes 8-11.
    static QUANT_INLINE __m128i scale_codes(const std::byte *in) {
        const uint32_t a = read_u32(in), b = read_u32(in + 4), c = read_u32(in + 8);
        const auto with_top = [c](uint32_t low, int k) {
            return static_cast<int>((low & 0x0f0f0f0f) | (c >> 2 * k & 0x03030303) << 4);
        };
        const __m128i codes = _mm_setr_epi32(with_top(a, 0), with_top(b, 1), with_top(a >> 4, 2), with_top(b >> 4, 3));
        return _mm_sub_epi8(codes, bytes_of(32));
    }
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        float scale[16];
        scaled_bytes(scale_codes(in + 96), read_f16(in + 108), scale);
        const __m128i high_a = load16(in), high_b = load16(in + 16);
        for (int half = 0; half < 2; ++half) {
            const __m128i a = load16(in + 32 + 32 * half), b = load16(in + 48 + 32 * half);
            for (int j = 0; j < 4; ++j) {
                const int bit = 4 * half + j, g = 8 * half + 2 * j;
                const __m128i top_a = _mm_sub_epi8(bit_of(high_a, bit, 4), bytes_of(4));
                const __m128i top_b = _mm_sub_epi8(bit_of(high_b, bit, 4), bytes_of(4));
                sink.put_pair(_mm_add_epi8(two_bits(a, 2 * j, 0), top_a), _mm_add_epi8(two_bits(b, 2 * j, 0), top_b),
                              scale[g], scale[g + 1]);
            }
        }
    }
};

struct Q6_K {
    static constexpr size_t weights = 256, bytes = 210;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        float scale[16];
        scaled_bytes(load16(in + 192), read_f16(in + 208), scale);
        for (int half = 0; half < 2; ++half) {
            const std::byte *low = in + 64 * half, *high = in + 128 + 32 * half;
            const __m128i high_a = load16(high), high_b = load16(high + 16);
            for (int j = 0; j < 4; ++j) {
                const __m128i a = load16(low + 32 * (j & 1)), b = load16(low + 32 * (j & 1) + 16);
                const __m128i low_a = j < 2 ? low_nibbles(a) : high_nibbles(a);
                const __m128i low_b = j < 2 ? low_nibbles(b) : high_nibbles(b);
                const __m128i code_a = _mm_or_si128(low_a, two_bits(high_a, 2 * j, 4));
                const __m128i code_b = _mm_or_si128(low_b, two_bits(high_b, 2 * j, 4));
                const int g = 8 * half + 2 * j;
                sink.put_pair(_mm_sub_epi8(code_a, bytes_of(32)), _mm_sub_epi8(code_b, bytes_of(32)), scale[g],
                              scale[g + 1]);
            }
        }
    }
};

struct IQ4_XS {
    static constexpr size_t weights = 256, bytes = 136;
    template <class Sink>
    static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = read_f16(in);
        const uint32_t top = read_u16(in + 2), low = read_u32(in + 4);
        for (int g = 0; g < 8; ++g) {
            const int code = static_cast<int>((low >> 4 * g & 15) | (top >> 2 * g & 3) << 4) - 32;
            const __m128i codes = load16(in + 8 + 16 * g);
            sink.put(levels_of_16(low_nibbles(codes)), levels_of_16(high_nibbles(codes)),
                     d * static_cast<float>(code));
        }
    }
};

} // namespace
} // namespace quant::kernel::x86
