// Products of bytes for byte_tile.h with VPMADDUBSW, which adds two products of an unsigned and a
// signed byte to a word, and would saturate. Activations are from -127 to 127.
#pragma once

#include "kernel/avx2/byte_tile.h"
#include "kernel/avx2/code_range.h"
#include "kernel/avx2/maddubs_planes.h"

namespace quant::kernel::avx2 {
namespace {

constexpr int most_activation = 127;

/// Quads of codes up to `most` whose products are added up as words.
constexpr int quads_together(int most) { return most_word / (2 * most * most_activation); }
static_assert(quads_together(15) == 8 && quads_together(31) == 4 && quads_together(63) == 2);
static_assert(quads_together(126) == 1 && quads_together(2) * 4 >= 256);

/// Unsigned codes, of which `Together` quads fit in a word; `Bias` was added to them.
template <size_t Together, int Bias> struct SmallCodes {
    static constexpr int tokens = tile / 2; // 6 sums in words, 6 in numbers, 2 of weights, 1 of activations.

    /// corrections are -128 times the activations' sums.
    static QUANT_INLINE __m256i correction(int32_t of_128) {
        if constexpr (Bias == 0) return _mm256_setzero_si256();
        return _mm256_srai_epi32(_mm256_set1_epi32(of_128), 7 - __builtin_ctz(Bias | 128));
    }
    template <size_t Quads, int T>
    static QUANT_INLINE void dots(const uint8_t *codes, const int8_t *x, const int32_t *corrections,
                                  __m256i (&out)[T][2]) {
        constexpr size_t together = Quads < Together ? Quads : Together;
        static_assert(Quads % together == 0);
#pragma GCC unroll 6
        for (int t = 0; t < T; ++t) out[t][0] = out[t][1] = correction(corrections[t]);
#pragma GCC unroll 8
        for (size_t first = 0; first < Quads; first += together) {
            __m256i words[T][2];
#pragma GCC unroll 64
            for (size_t i = 0; i < together; ++i) {
                const uint8_t *at = codes + (first + i) * quad_bytes;
                const __m256i top = load_codes(at), bottom = load_codes(at + half_bytes);
#pragma GCC unroll 6
                for (size_t t = 0; t < T; ++t) {
                    const __m256i four = four_columns(x + ((first + i) * tile + t) * 4);
                    const __m256i upper = _mm256_maddubs_epi16(top, four), lower = _mm256_maddubs_epi16(bottom, four);
                    words[t][0] = i == 0 ? upper : add_words(words[t][0], upper);
                    words[t][1] = i == 0 ? lower : add_words(words[t][1], lower);
                }
            }
#pragma GCC unroll 6
            for (int t = 0; t < T; ++t)
#pragma GCC unroll 2
                for (int h = 0; h < 2; ++h) out[t][h] = add_numbers(out[t][h], pairs(words[t][h], 1));
        }
    }
};

/// Signed codes of all eight bits: magnitudes, up to 128, times activations with the codes' signs.
struct SignedCodes {
    static constexpr int tokens = tile / 2;
    static_assert(2 * 128 * most_activation <= most_word);

    template <size_t Quads, int T>
    static QUANT_INLINE void dots(const uint8_t *codes, const int8_t *x, const int32_t *, __m256i (&out)[T][2]) {
#pragma GCC unroll 6
        for (int t = 0; t < T; ++t) out[t][0] = out[t][1] = _mm256_setzero_si256();
#pragma GCC unroll 8
        for (size_t i = 0; i < Quads; ++i) {
            const __m256i w[2] = {load_codes(codes + i * quad_bytes), load_codes(codes + i * quad_bytes + half_bytes)};
            const __m256i size[2] = {_mm256_abs_epi8(w[0]), _mm256_abs_epi8(w[1])};
#pragma GCC unroll 6
            for (size_t t = 0; t < T; ++t) {
                const __m256i four = four_columns(x + (i * tile + t) * 4);
#pragma GCC unroll 2
                for (int h = 0; h < 2; ++h)
                    out[t][h] = add_numbers(
                        out[t][h], pairs(_mm256_maddubs_epi16(size[h], _mm256_sign_epi8(four, w[h])), 1));
            }
        }
    }
};

template <quant_encoding Encoding> constexpr auto codes_of() {
    constexpr CodeRange range = code_range(Encoding);
    if constexpr (are_wide(range)) {
        return SignedCodes();
    } else {
        constexpr int fit = quads_together(range.most + range.bias());
        static_assert(fit >= 1);
        return SmallCodes<fit >= 32 ? 32 : fit >= 8 ? 8 : fit >= 4 ? 4 : fit, range.bias()>();
    }
}

} // namespace
} // namespace quant::kernel::avx2
