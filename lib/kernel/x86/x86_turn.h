// Eight by eight floats turned, for x86 (Simd::turn).
#pragma once

#include "kernel/x86/x86_bytes.h"

namespace quant::kernel::x86 {
namespace {

/// Eight rows of eight floats, columns becoming rows.
QUANT_INLINE void turn_eight(const float *in, size_t in_stride, float *out, size_t out_stride) {
    // Halves of rows r and r + 4 share a register, so that no step crosses its middle.
    __m256 v[8], w[8];
#pragma GCC unroll 4
    for (size_t r = 0; r < 4; ++r)
#pragma GCC unroll 2
        for (size_t half = 0; half < 2; ++half)
            v[r + 4 * half] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(in + r * in_stride + 4 * half)),
                                                   _mm_loadu_ps(in + (r + 4) * in_stride + 4 * half), 1);
#pragma GCC unroll 2
    for (size_t half = 0; half < 8; half += 4) {
        w[half] = _mm256_unpacklo_ps(v[half], v[half + 1]);
        w[half + 1] = _mm256_unpackhi_ps(v[half], v[half + 1]);
        w[half + 2] = _mm256_unpacklo_ps(v[half + 2], v[half + 3]);
        w[half + 3] = _mm256_unpackhi_ps(v[half + 2], v[half + 3]);
        _mm256_storeu_ps(out + half * out_stride, _mm256_shuffle_ps(w[half], w[half + 2], 0x44));
        _mm256_storeu_ps(out + (half + 1) * out_stride, _mm256_shuffle_ps(w[half], w[half + 2], 0xee));
        _mm256_storeu_ps(out + (half + 2) * out_stride, _mm256_shuffle_ps(w[half + 1], w[half + 3], 0x44));
        _mm256_storeu_ps(out + (half + 3) * out_stride, _mm256_shuffle_ps(w[half + 1], w[half + 3], 0xee));
    }
}

} // namespace
} // namespace quant::kernel::x86
