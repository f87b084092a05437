// Products of codes with activations in two planes, with VPDPBUSD: unsigned bytes times signed ones,
// four of them added to a number of 32 bits.
#pragma once

#include "kernel/avx2/avx2_bytes.h"

namespace quant::kernel::avxvnni {
namespace {

struct Dpbusd {
    /// The sum of unsigned codes times a token. Every set has sums of its own, so that one need
    /// not wait for the one before it.
    template <int, int Sets> class PlaneDots {
        __m256i high[Sets], low[Sets];

    public:
        static constexpr bool signed_codes = false;

        QUANT_INLINE void start(int32_t first) { start_from(_mm256_set1_epi32(first)); }
        QUANT_INLINE void start_from(__m256i total) {
#pragma GCC unroll 2
            for (int s = 0; s < Sets; ++s) high[s] = low[s] = _mm256_setzero_si256();
            low[0] = total;
        }
        QUANT_INLINE void add(int i, __m256i codes, __m256i x_high, __m256i x_low) {
            high[i % Sets] = _mm256_dpbusd_avx_epi32(high[i % Sets], codes, x_high);
            low[i % Sets] = _mm256_dpbusd_avx_epi32(low[i % Sets], codes, x_low);
        }
        QUANT_INLINE __m256i total(int) const {
            __m256i upper = high[0], lower = low[0];
#pragma GCC unroll 2
            for (int s = 1; s < Sets; ++s)
                upper = _mm256_add_epi32(upper, high[s]), lower = _mm256_add_epi32(lower, low[s]);
            return _mm256_add_epi32(_mm256_slli_epi32(upper, 7), lower);
        }
    };
};

} // namespace
} // namespace quant::kernel::avxvnni
