// Products of codes with activations in two planes, with VPMADDUBSW: it multiplies unsigned bytes
// with signed ones and adds two products to a word, which must not saturate.
#pragma once

#include "kernel/avx2/avx2_bytes.h"
#include "kernel/plane_tokens.h"

namespace quant::kernel::avx2 {
namespace {

constexpr int most_word = 32767;

/// Words that hold sums of bytes, added up in pairs, times `factor`.
QUANT_INLINE __m256i pairs(__m256i words, int factor) {
    return _mm256_madd_epi16(words, _mm256_set1_epi16(static_cast<short>(factor)));
}

// Sums are made in the order written: compilers would add products in pairs, behind all of them,
// of which there are more than registers.
QUANT_INLINE __m256i in_turn(__m256i sum) {
    __asm__("" : "+x"(sum));
    return sum;
}
QUANT_INLINE __m256i add_words(__m256i sum, __m256i v) { return in_turn(_mm256_add_epi16(sum, v)); }
QUANT_INLINE __m256i add_numbers(__m256i sum, __m256i v) { return in_turn(_mm256_add_epi32(sum, v)); }

struct Maddubs {
    /// The sum of codes from 0 to Most times a token: VPMADDUBSW gives at most 2 Most |x| in a
    /// word, so several of them are added as words before these are added as numbers.
    template <int Most, int> class PlaneDots {
        static constexpr int high_together = most_word / (2 * Most * PlaneTokens::most_high),
                             low_together = most_word / (2 * Most * PlaneTokens::most_low);
        static_assert(high_together >= 1 && low_together >= 1);
        __m256i high, low, sum;

    public:
        static constexpr bool signed_codes = false;

        QUANT_INLINE void start(int32_t first) { sum = _mm256_set1_epi32(first); }
        QUANT_INLINE void start_from(__m256i total) { sum = total; }
        /// Quads are numbered from 0 on, by numbers that the compiler knows.
        QUANT_INLINE void add(int i, __m256i codes, __m256i x_high, __m256i x_low) {
            const __m256i upper = _mm256_maddubs_epi16(codes, x_high), lower = _mm256_maddubs_epi16(codes, x_low);
            high = i % high_together == 0 ? upper : add_words(high, upper);
            low = i % low_together == 0 ? lower : add_words(low, lower);
            if ((i + 1) % high_together == 0) sum = add_numbers(sum, pairs(high, 128));
            if ((i + 1) % low_together == 0) sum = add_numbers(sum, pairs(low, 1));
        }
        /// Behind the last of `count` quads.
        QUANT_INLINE __m256i total(int count) const {
            __m256i all = sum;
            if (count % high_together != 0) all = _mm256_add_epi32(all, pairs(high, 128));
            if (count % low_together != 0) all = _mm256_add_epi32(all, pairs(low, 1));
            return all;
        }
    };

    /// Of signed bytes: magnitudes, up to 128, times activations with the codes' signs. Two
    /// products are up to 2 x 128 x 127 = 32512 in a word, four would not fit.
    template <int Sets> class PlaneDots<255, Sets> {
        static_assert(2 * 128 * PlaneTokens::most_high <= most_word && PlaneTokens::most_low <= PlaneTokens::most_high);
        __m256i sum;

    public:
        static constexpr bool signed_codes = true;

        QUANT_INLINE void start(int32_t first) { sum = _mm256_set1_epi32(first); }
        QUANT_INLINE void start_from(__m256i total) { sum = total; }
        QUANT_INLINE void add(int, __m256i codes, __m256i x_high, __m256i x_low) {
            const __m256i size = _mm256_abs_epi8(codes); // Of -128 it is 128, unsigned.
            const __m256i upper = _mm256_maddubs_epi16(size, _mm256_sign_epi8(x_high, codes));
            const __m256i lower = _mm256_maddubs_epi16(size, _mm256_sign_epi8(x_low, codes));
            sum = add_numbers(sum, _mm256_add_epi32(pairs(upper, 128), pairs(lower, 1)));
        }
        QUANT_INLINE __m256i total(int) const { return sum; }
    };
};

} // namespace
} // namespace quant::kernel::avx2
