// Products of bytes for byte_tile.h with VPDPBUSD. Codes have 128 added, for which the tokens'
// corrections make up.
#pragma once

#include "kernel/avx2/byte_tile.h"

namespace quant::kernel::avxvnni {
namespace {

struct ByteCodes {
    static constexpr int tokens = avx2::tile; // 12 sums, enough to hide the latency; 2 of weights, 1 of activations.

    template <size_t Quads, int T>
    static QUANT_INLINE void dots(const uint8_t *codes, const int8_t *x, const int32_t *corrections,
                                  __m256i (&out)[T][2]) {
#pragma GCC unroll 6
        for (int t = 0; t < T; ++t) out[t][0] = out[t][1] = _mm256_set1_epi32(corrections[t]);
#pragma GCC unroll 8
        for (size_t i = 0; i < Quads; ++i) {
            const uint8_t *at = codes + i * quad_bytes;
            const __m256i top = avx2::load_codes(at), bottom = avx2::load_codes(at + avx2::half_bytes);
#pragma GCC unroll 6
            for (size_t t = 0; t < T; ++t) {
                const __m256i four = avx2::four_columns(x + (i * avx2::tile + t) * 4);
                out[t][0] = _mm256_dpbusd_avx_epi32(out[t][0], top, four);
                out[t][1] = _mm256_dpbusd_avx_epi32(out[t][1], bottom, four);
            }
        }
    }
};

} // namespace
} // namespace quant::kernel::avxvnni
