// Products of many tokens on bytes. Compiled with the tier's own flags, as its table is.
#include "kernel/avx2/avx2_int8.h"

#include "kernel/avx2/maddubs_tile.h"
#include "kernel/panel_shape.h"

namespace quant::kernel::avx2 {

namespace {

/// Columns whose activations share a scale: a super-block, or 32.
constexpr size_t activations_together(quant_encoding encoding) {
    return panel_shape(encoding).unit_columns == 256 ? 256 : 32;
}

} // namespace

void interleave(const uint8_t *in, size_t stride, size_t n, uint8_t *out) { interleave_rows(in, stride, n, out); }

void int8_gemm(const Int8Block &b) {
    switch (b.encoding) {
#define EXPAND(encoding, symbol, group)                                                                        \
    case QUANT_##encoding:                                                                                     \
        return run_panels<decltype(codes_of<QUANT_##encoding>()), group, activations_together(QUANT_##encoding)>(b);
#include "kernel/x86/expand.def"
#undef EXPAND
    default:
        return;
    }
}

size_t int8_peak(size_t steps) {
    constexpr int sums = 8; // Enough to hide the latency of two units.
    __m256i sum[sums];
#pragma GCC unroll 8
    for (int k = 0; k < sums; ++k) sum[k] = _mm256_setzero_si256();
    __m256i a = every_byte(3);
    const __m256i b = every_byte(2);
    for (size_t i = 0; i < steps; ++i)
#pragma GCC unroll 8
        for (int k = 0; k < sums; ++k) {
            // The values may not be foreseen.
            __asm__ volatile("" : "+x"(a));
            sum[k] = _mm256_add_epi16(sum[k], _mm256_maddubs_epi16(a, b));
            __asm__ volatile("" : "+x"(sum[k]));
        }
    return steps * sums * 32;
}

} // namespace quant::kernel::avx2
