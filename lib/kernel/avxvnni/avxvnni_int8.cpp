// Products of many tokens on bytes. Compiled with the tier's own flags, as its table is.
#include "kernel/avxvnni/avxvnni_int8.h"

#include "kernel/avxvnni/dpbusd_tile.h"

namespace quant::kernel::avxvnni {

void interleave(const uint8_t *in, size_t stride, size_t n, uint8_t *out) { avx2::interleave_rows(in, stride, n, out); }

void int8_gemm(const Int8Block &b) { avx2::multiply_bytes<ByteCodes>(b); }

size_t int8_peak(size_t steps) {
    constexpr int sums = 12; // Enough to hide the latency of two units.
    __m256i sum[sums];
#pragma GCC unroll 12
    for (int k = 0; k < sums; ++k) sum[k] = _mm256_setzero_si256();
    const __m256i a = avx2::every_byte(3), b = avx2::every_byte(2);
    for (size_t i = 0; i < steps; ++i)
#pragma GCC unroll 12
        for (int k = 0; k < sums; ++k) {
            sum[k] = _mm256_dpbusd_avx_epi32(sum[k], a, b);
            // The value may not be foreseen.
            __asm__ volatile("" : "+x"(sum[k]));
        }
    return steps * sums * 32;
}

} // namespace quant::kernel::avxvnni
