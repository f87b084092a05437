// Products of bfloat16 with VDPBF16PS. Compiled for CPUs that have it besides what the tier needs, and called on no
// others. A tile of 4 rows by 6 tokens of sums, each a register along k, as simd_gemm.h has them of floats.
#include "kernel/avx512/avx512_simd.h"
#include "kernel/avx512vnni/panels.h"

#include "kernel/simd/simd_choices.h"

namespace quant::kernel::avx512vnni {

namespace {

using avx512::Simd;
constexpr size_t step = 32; ///< Columns of an instruction.
constexpr int tile_rows = 4, tile_tokens = 6;

QUANT_INLINE __m512bh load(const uint16_t *p) { return (__m512bh)_mm512_loadu_si512(p); }

/// The first n < 32 columns; others are 0.
QUANT_INLINE __m512bh load_some(const uint16_t *p, size_t n) {
    return (__m512bh)_mm512_maskz_loadu_epi16((uint32_t{1} << n) - 1, p);
}

template <int Rows, int Tokens> struct Tile {
    const Bf16Block &b;
    __m512 sums[Tokens][Rows];

    template <class Load> QUANT_INLINE void multiply(const uint16_t *w, const uint16_t *x, Load columns) {
        __m512bh values[Tokens];
#pragma GCC unroll 6
        for (int t = 0; t < Tokens; ++t) values[t] = columns(x + static_cast<size_t>(t) * b.x_stride);
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) {
            const __m512bh weights = columns(w + static_cast<size_t>(r) * b.w_stride);
#pragma GCC unroll 6
            for (int t = 0; t < Tokens; ++t) sums[t][r] = _mm512_dpbf16_ps(sums[t][r], weights, values[t]);
        }
    }

    QUANT_INLINE void run(size_t row, size_t token) {
        const uint16_t *w = b.w + row * b.w_stride, *x = b.x + token * b.x_stride;
#pragma GCC unroll 6
        for (int t = 0; t < Tokens; ++t)
#pragma GCC unroll 4
            for (int r = 0; r < Rows; ++r) sums[t][r] = _mm512_setzero_ps();
        size_t i = 0;
        for (; i + step <= b.k; i += step)
            multiply(
                w + i, x + i, [](const uint16_t *p) __attribute__((always_inline)) { return load(p); });
        if (const size_t rest = b.k - i)
            multiply(
                w + i, x + i, [rest](const uint16_t *p) __attribute__((always_inline)) { return load_some(p, rest); });
#pragma GCC unroll 6
        for (int t = 0; t < Tokens; ++t) write(sums[t], b.y + (token + static_cast<size_t>(t)) * b.y_stride + row);
    }

    QUANT_INLINE void write(const __m512 (&of)[Rows], float *y) const {
        if constexpr (Rows == tile_rows) {
            const __m128 four = Simd::sums_of_four(of[0], of[1], of[2], of[3]);
            _mm_storeu_ps(y, b.accumulate ? _mm_add_ps(_mm_loadu_ps(y), four) : four);
        } else {
            for (int r = 0; r < Rows; ++r) y[r] = b.accumulate ? y[r] + Simd::sum(of[r]) : Simd::sum(of[r]);
        }
    }
};

void gemm(const Bf16Block &b) {
    simd::for_tokens<tile_tokens>(b.tokens, [&]<int Tokens>(size_t token) {
        size_t row = 0;
        for (; row + tile_rows <= b.rows; row += tile_rows) Tile<tile_rows, Tokens>{b, {}}.run(row, token);
        for (; row < b.rows; ++row) Tile<1, Tokens>{b, {}}.run(row, token);
    });
}

void round(const float *x, size_t n, uint16_t *out) {
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = Simd::mask(n - i < 16 ? n - i : 16);
        _mm256_mask_storeu_epi16(out + i, mask, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + i)));
    }
}

size_t peak(size_t steps) {
    constexpr int count = 12; // Sums, enough to hide the latency of two units.
    __m512 sums[count];
#pragma GCC unroll 12
    for (int k = 0; k < count; ++k) sums[k] = _mm512_setzero_ps();
    const __m512bh one = (__m512bh)_mm512_set1_epi16(0x3f80);
    for (size_t i = 0; i < steps; ++i)
#pragma GCC unroll 12
        for (int k = 0; k < count; ++k) {
            sums[k] = _mm512_dpbf16_ps(sums[k], one, one);
            __asm__ volatile("" : "+v"(sums[k])); // The value may not be foreseen.
        }
    return steps * count * step;
}

} // namespace

void put_bf16(KernelTable &table) { table.bf16 = {round, gemm, peak}; }

} // namespace quant::kernel::avx512vnni
