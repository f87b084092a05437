// Decoders, as kernel/simd/simd_blocks.h has them, of encoding/scaled_blocks.cpp and encoding/float4_groups.cpp: levels
// that are no small whole numbers are floats before a scale of 32 bits comes to them.
#pragma once

#include "encoding/level_tables.h"
#include "kernel/x86/x86_bytes.h"

namespace quant::kernel::x86 {
namespace {

QUANT_INLINE float f32_at(const std::byte *p) {
    float out;
    __builtin_memcpy(&out, p, sizeof out);
    return out;
}

/// NF4 and bitsandbytes' FP4.
template <const float (&Levels)[16], size_t Group> struct Table16 {
    static constexpr size_t weights = Group, bytes = 4 + Group / 2;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using S = typename Sink::Simd;
        const auto d = S::broadcast(f32_at(in));
        for (size_t at = 0; at < Group; at += 32) {
            const Bytes codes = Bytes::load(in + 4 + at / 2);
            sink.take(S::wide_mul(S::wide_in_table(Levels, codes.low_nibbles()), d),
                      S::wide_mul(S::wide_in_table(Levels, codes.high_nibbles()), d));
        }
    }
};

/// Divided last, as the reference does: the quotient of the scale would be another number.
template <size_t Group> struct Absmax8 {
    static constexpr size_t weights = Group, bytes = 4 + Group;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using S = typename Sink::Simd;
        const auto d = S::broadcast(f32_at(in)), by = S::broadcast(127);
        const auto weights_of = [&](const std::byte *codes) __attribute__((always_inline)) {
            return S::wide_div(S::wide_mul(S::wide_from_i8(Bytes::load(codes)), d), by);
        };
        for (size_t at = 0; at < Group; at += 32) sink.take(weights_of(in + 4 + at), weights_of(in + 20 + at));
    }
};

/// Halves that are 2^-8 of E4M3's numbers: its exponent is a bit shorter. 127 and its negative are no numbers.
QUANT_INLINE __m256i halves_of_e4m3(__m256i signed_codes) {
    const __m256i halves = _mm256_and_si256(_mm256_slli_epi16(signed_codes, 7), _mm256_set1_epi16(static_cast<short>(0xbfff)));
    // Only what is all ones carries into the exponent's top bit, which makes it a half's NaN.
    const __m256i none = _mm256_and_si256(_mm256_add_epi16(halves, _mm256_set1_epi16(0x80)), _mm256_set1_epi16(0x4000));
    return _mm256_or_si256(halves, none);
}

struct E4M3 {
    static constexpr float unit = 256;
    static QUANT_INLINE __m256i halves(__m128i codes) { return halves_of_e4m3(_mm256_cvtepi8_epi16(codes)); }
};
/// A half cut short.
struct E5M2 {
    static constexpr float unit = 1;
    static QUANT_INLINE __m256i halves(__m128i codes) { return _mm256_slli_epi16(_mm256_cvtepu8_epi16(codes), 8); }
};

template <class Kind, size_t Group> struct Float8 {
    static constexpr size_t weights = Group, bytes = 4 + Group;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using S = typename Sink::Simd;
        const auto d = S::broadcast(f32_at(in)), unit = S::broadcast(Kind::unit);
        const auto weights_of = [&](const std::byte *codes) __attribute__((always_inline)) {
            auto levels = S::wide_from_halves(Kind::halves(load16(codes)));
            if constexpr (Kind::unit != 1) levels = S::wide_mul(levels, unit);
            return S::wide_mul(levels, d);
        };
        for (size_t at = 0; at < Group; at += 32) sink.take(weights_of(in + 4 + at), weights_of(in + 20 + at));
    }
};

template <size_t Group> struct Ternary {
    static constexpr size_t weights = Group, bytes = 4 + Group / 4;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        const float d = f32_at(in);
        const __m128i one = Bytes::all(1).v;
        if constexpr (Group == 32) {
            const Bytes codes = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(in + 4));
            const auto halves = [&](int n) __attribute__((always_inline)) {
                return _mm_sub_epi8(_mm_unpacklo_epi64(codes.two_bits(n, 0).v, codes.two_bits(n + 2, 0).v), one);
            };
            sink.put(halves(0), halves(4), d);
        } else {
            static_assert(Group == 128);
            const Bytes a = Bytes::load(in + 4), b = Bytes::load(in + 20);
            for (int n = 0; n < 4; ++n)
                sink.put(_mm_sub_epi8(a.two_bits(2 * n, 0).v, one), _mm_sub_epi8(b.two_bits(2 * n, 0).v, one), d);
        }
    }
};

template <size_t Group> struct DividedFloat4 {
    static constexpr size_t runs = Group / 16, weights = Group, bytes = 4 + runs + Group / 2;
    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using S = typename Sink::Simd;
        const __m128 divisor = _mm_set1_ps(f32_at(in));
        float scales[(runs + 3) / 4 * 4];
        for (size_t g = 0; g < runs; g += 4) { // Of two, codes follow, which are no scales and not used.
            int four;
            __builtin_memcpy(&four, in + 4 + g, sizeof four);
            const __m256i codes = _mm256_castsi128_si256(_mm_cvtepi8_epi16(_mm_cvtsi32_si128(four)));
            const __m128 numbers = _mm_cvtph_ps(_mm256_castsi256_si128(halves_of_e4m3(codes)));
            _mm_storeu_ps(scales + g, _mm_div_ps(_mm_mul_ps(numbers, _mm_set1_ps(E4M3::unit)), divisor));
        }
        for (size_t g = 0; g < runs; g += 2) {
            const Bytes codes = Bytes::load(in + 4 + runs + 8 * g);
            const __m128i low = codes.low_nibbles().v, high = codes.high_nibbles().v;
            sink.take(S::wide_mul(S::wide_in_table(e2m1_levels, _mm_unpacklo_epi64(low, high)), S::broadcast(scales[g])),
                      S::wide_mul(S::wide_in_table(e2m1_levels, _mm_unpackhi_epi64(low, high)), S::broadcast(scales[g + 1])));
        }
    }
};

} // namespace
} // namespace quant::kernel::x86
