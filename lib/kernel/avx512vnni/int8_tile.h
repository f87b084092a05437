// Products of bytes with VPDPBUSD: 16 rows are the lanes of a register, four columns
// the bytes of a lane. A tile of up to 2 x 16 rows by 6 tokens has its sums of a group of
// columns as integers, and those of all groups as floats, in registers.
#pragma once

#include "kernel/avx512vnni/int8_lanes.h"
#include "kernel/simd/simd_choices.h"

namespace quant::kernel::avx512vnni {
namespace {

// 12 sums of integers, 12 of floats, 2 of weights, 2 of scales: 28 of 32 registers.
constexpr size_t tile = register_tile.tokens;

/// Four activations of a token in every lane.
QUANT_INLINE __m512i four_of(const int8_t *p) {
    int32_t four;
    __builtin_memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}

/// The first `Tokens` of the tile with this number. Activations share a scale over `Block`
/// columns: where these are 256, the groups' sums need it once a block only. Sums over fewer
/// would be stored and loaded again too often.
template <int Panels, int Tokens, size_t Group, size_t Block, bool Offsets>
void run_tile(const Int8Block &b, size_t number) {
    const size_t groups = b.k / Group, codes_apart = b.k * int8_lanes, scales_apart = groups * int8_lanes;
    const size_t of_tile = number * b.x_groups * tile;
    const int8_t *x = b.x + number * b.x_cols * tile;
    const float *x_scales = b.x_scales + of_tile, *x_sums = b.x_sums + of_tile;
    const int32_t *x_corrections = b.x_corrections + of_tile;
    const uint8_t *codes = b.codes;
    const float *scales = b.scales, *offsets = b.offsets;
    constexpr bool shared = Block == 256;
    constexpr size_t run = shared ? Block / Group : 1;
    __m512 sums[Tokens][Panels];
    for (size_t first = 0; first < groups; first += run) {
        if (shared || first == 0)
#pragma GCC unroll 6
            for (int t = 0; t < Tokens; ++t)
#pragma GCC unroll 2
                for (int p = 0; p < Panels; ++p) sums[t][p] = _mm512_setzero_ps();
        const float *block_scales = x_scales;
        for (size_t g = 0; g < run; ++g) {
            __m512i dots[Tokens][Panels];
#pragma GCC unroll 6
            for (int t = 0; t < Tokens; ++t)
#pragma GCC unroll 2
                for (int p = 0; p < Panels; ++p) dots[t][p] = _mm512_set1_epi32(x_corrections[t]);
#pragma GCC unroll 8
            for (size_t i = 0; i < Group / 4; ++i) {
                __m512i w[Panels];
#pragma GCC unroll 2
                for (int p = 0; p < Panels; ++p) w[p] = load_codes(codes + static_cast<size_t>(p) * codes_apart + i * 64);
#pragma GCC unroll 6
                for (int t = 0; t < Tokens; ++t) {
                    const __m512i four = four_of(x + (i * tile + static_cast<size_t>(t)) * 4);
#pragma GCC unroll 2
                    for (int p = 0; p < Panels; ++p) dots[t][p] = _mm512_dpbusd_epi32(dots[t][p], w[p], four);
                }
            }
#pragma GCC unroll 2
            for (int p = 0; p < Panels; ++p) {
                const __m512 scale = _mm512_loadu_ps(scales + static_cast<size_t>(p) * scales_apart);
#pragma GCC unroll 6
                for (int t = 0; t < Tokens; ++t) {
                    const __m512 dot = _mm512_cvtepi32_ps(dots[t][p]);
                    sums[t][p] = shared ? _mm512_fmadd_ps(dot, scale, sums[t][p])
                                        : _mm512_fmadd_ps(_mm512_mul_ps(dot, scale), _mm512_set1_ps(x_scales[t]), sums[t][p]);
                }
                if constexpr (Offsets) {
                    const __m512 offset = _mm512_loadu_ps(offsets + static_cast<size_t>(p) * scales_apart);
#pragma GCC unroll 6
                    for (int t = 0; t < Tokens; ++t)
                        sums[t][p] = _mm512_fmadd_ps(offset, _mm512_set1_ps(x_sums[t]), sums[t][p]);
                }
            }
            codes += Group * int8_lanes, x += Group * tile;
            scales += int8_lanes, offsets += Offsets ? int8_lanes : 0;
            x_scales += tile, x_sums += tile, x_corrections += tile;
        }
        if (!shared && first + run < groups) continue;
#pragma GCC unroll 6
        for (int t = 0; t < Tokens; ++t)
#pragma GCC unroll 2
            for (int p = 0; p < Panels; ++p) {
                const TileRow to(b, number * tile + static_cast<size_t>(t), static_cast<size_t>(p));
                const bool fresh = !b.accumulate && (!shared || first == 0);
                const __m512 before = fresh ? _mm512_setzero_ps() : to.load();
                to.store(shared ? _mm512_fmadd_ps(sums[t][p], _mm512_set1_ps(block_scales[t]), before)
                                : _mm512_add_ps(sums[t][p], before));
            }
    }
}

template <int Panels, size_t Group, size_t Block, bool Offsets>
void run_tokens(const Int8Block &b) {
    const size_t whole = b.tokens / tile;
    for (size_t n = 0; n < whole; ++n) run_tile<Panels, 6, Group, Block, Offsets>(b, n);
    switch (b.tokens % tile) {
    case 1: return run_tile<Panels, 1, Group, Block, Offsets>(b, whole);
    case 2: return run_tile<Panels, 2, Group, Block, Offsets>(b, whole);
    case 3: return run_tile<Panels, 3, Group, Block, Offsets>(b, whole);
    case 4: return run_tile<Panels, 4, Group, Block, Offsets>(b, whole);
    case 5: return run_tile<Panels, 5, Group, Block, Offsets>(b, whole);
    default: return;
    }
}

template <size_t Group, size_t Block, bool Offsets>
void run_panels(const Int8Block &b) {
    b.panels == 2 ? run_tokens<2, Group, Block, Offsets>(b) : run_tokens<1, Group, Block, Offsets>(b);
}

template <size_t Group, size_t Block>
void run_offsets(const Int8Block &b) {
    b.offsets ? run_panels<Group, Block, true>(b) : run_panels<Group, Block, false>(b);
}

void int8_gemm(const Int8Block &b) {
    simd::for_groups(b, [&]<size_t Group, size_t Block>() { run_offsets<Group, Block>(b); });
}

size_t int8_peak(size_t steps) {
    constexpr int sums = 12; // Enough to hide the latency of two units.
    __m512i sum[sums];
#pragma GCC unroll 12
    for (int k = 0; k < sums; ++k) sum[k] = _mm512_setzero_si512();
    const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(2);
    for (size_t i = 0; i < steps; ++i)
#pragma GCC unroll 12
        for (int k = 0; k < sums; ++k) {
            sum[k] = _mm512_dpbusd_epi32(sum[k], a, b);
            // The value may not be foreseen.
            __asm__ volatile("" : "+v"(sum[k]));
        }
    return steps * sums * 64;
}

void interleave(const uint8_t *in, size_t stride, size_t n, uint8_t *out) {
    interleave_xor(in, stride, n, _mm512_setzero_si512(), out);
}

} // namespace
} // namespace quant::kernel::avx512vnni
