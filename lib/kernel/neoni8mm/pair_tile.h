// Products of bytes with SMMLA, which multiplies two rows of eight columns with two tokens of
// them: twice what SDOT does. Codes lie as [column / 8][row][column % 8]. A tile is 8 rows by 6
// tokens; a register of its sums has row 0 of both tokens, then row 1.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/neon/neon_rows.h"

namespace quant::kernel::neoni8mm {
namespace {

// 12 sums of integers, 12 of floats, 3 of activations, 4 of weights: 31 of 32 registers.
constexpr size_t tile = register_tile.tokens, tile_rows = 8;
constexpr int row_pairs = 4;

/// Eight columns of two tokens, of which four columns each lie side by side.
QUANT_INLINE int8x16_t token_pair(const int8_t *x) {
    const int8x8_t first = vld1_s8(x), second = vld1_s8(x + 4 * tile);
    const int32x4_t a = vreinterpretq_s32_s8(vcombine_s8(first, first));
    const int32x4_t b = vreinterpretq_s32_s8(vcombine_s8(second, second));
    return vreinterpretq_s8_s32(vzip1q_s32(a, b));
}

/// Two numbers of rows, each for both tokens; two of tokens, for both rows.
QUANT_INLINE float32x4_t of_rows(const float *p) {
    const float32x2_t two = vld1_f32(p);
    const float32x4_t both = vcombine_f32(two, two);
    return vzip1q_f32(both, both);
}
QUANT_INLINE float32x4_t of_tokens(const float *p) {
    const float32x2_t two = vld1_f32(p);
    return vcombine_f32(two, two);
}

/// Sums of 8 rows and 2 * `Pairs` tokens.
template <int Pairs>
struct TileSums {
    float32x4_t of[Pairs][row_pairs];

    QUANT_INLINE void clear() {
#pragma GCC unroll 3
        for (int t = 0; t < Pairs; ++t)
#pragma GCC unroll 4
            for (int r = 0; r < row_pairs; ++r) of[t][r] = vdupq_n_f32(0);
    }

    /// Adds a token's `factor` times the sums to y, or replaces it; `token` and `row` are the tile's first.
    QUANT_INLINE void write(const Int8Block &b, size_t token, size_t row, bool fresh, const float *factors) const {
#pragma GCC unroll 3
        for (int t = 0; t < Pairs; ++t) {
            const size_t first = token + 2 * static_cast<size_t>(t);
#pragma GCC unroll 2
            for (int h = 0; h < 2; ++h) {
                const float32x4_t low = of[t][2 * h], high = of[t][2 * h + 1];
                const float *factor = factors ? factors + 2 * t : nullptr;
                put(b, first, row + 4 * static_cast<size_t>(h), fresh, vuzp1q_f32(low, high), factor);
                if (first + 1 < b.tokens)
                    put(b, first + 1, row + 4 * static_cast<size_t>(h), fresh, vuzp2q_f32(low, high), factor ? factor + 1 : nullptr);
            }
        }
    }
    static QUANT_INLINE void put(const Int8Block &b, size_t token, size_t row, bool fresh, float32x4_t sum,
                                 const float *factor) {
        const neon::FourRows to(b.y + token * b.y_stride, b.rows, row);
        const float32x4_t before = fresh ? vdupq_n_f32(0) : to.load();
        to.store(factor ? vfmaq_n_f32(before, sum, *factor) : vaddq_f32(before, sum));
    }
};

/// The sums of a group of columns.
template <int Pairs, size_t Group>
QUANT_INLINE void group_dots(const uint8_t *codes, const int8_t *x, int32x4_t (&dots)[Pairs][row_pairs]) {
#pragma GCC unroll 3
    for (int t = 0; t < Pairs; ++t)
#pragma GCC unroll 4
        for (int r = 0; r < row_pairs; ++r) dots[t][r] = vdupq_n_s32(0);
#pragma GCC unroll 4
    for (size_t i = 0; i < Group; i += 8) {
        int8x16_t tokens[Pairs];
#pragma GCC unroll 3
        for (int t = 0; t < Pairs; ++t) tokens[t] = token_pair(x + i * tile + 8 * static_cast<size_t>(t));
#pragma GCC unroll 4
        for (int r = 0; r < row_pairs; ++r) {
            const int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(codes + i * int8_lanes + 16 * static_cast<size_t>(r)));
#pragma GCC unroll 3
            for (int t = 0; t < Pairs; ++t) dots[t][r] = vmmlaq_s32(dots[t][r], w, tokens[t]);
        }
    }
}

/// Eight rows from `row` on, of the first 2 * `Pairs` tokens of the tile with this number, which are
/// zeros where there are no more. Activations share a scale over `Block` columns: where that is more
/// than a group, the groups' sums need it once a block only.
template <int Pairs, size_t Group, size_t Block, bool Offsets>
void run_tile(const Int8Block &b, size_t number, size_t row) {
    const size_t groups = b.k / Group, panel = row / int8_lanes, within = row % int8_lanes;
    const size_t of_tile = number * b.x_groups * tile, of_panel = panel * groups * int8_lanes + within;
    const int8_t *x = b.x + number * b.x_cols * tile;
    const float *x_scales = b.x_scales + of_tile, *x_sums = b.x_sums + of_tile;
    const uint8_t *codes = b.codes + panel * b.k * int8_lanes + within * 8;
    const float *scales = b.scales + of_panel, *offsets = Offsets ? b.offsets + of_panel : nullptr;
    constexpr bool shared = Block > Group;
    constexpr size_t run = shared ? Block / Group : 1;
    TileSums<Pairs> sums;
    for (size_t first = 0; first < groups; first += run) {
        if (shared || first == 0) sums.clear();
        const float *block_scales = x_scales;
        for (size_t g = 0; g < run; ++g) {
            int32x4_t dots[Pairs][row_pairs];
            group_dots<Pairs, Group>(codes, x, dots);
#pragma GCC unroll 4
            for (int r = 0; r < row_pairs; ++r) {
                const float32x4_t scale = of_rows(scales + 2 * r);
#pragma GCC unroll 3
                for (int t = 0; t < Pairs; ++t) {
                    const float32x4_t dot = vcvtq_f32_s32(dots[t][r]);
                    float32x4_t &sum = sums.of[t][r];
                    sum = shared ? vfmaq_f32(sum, dot, scale)
                                 : vfmaq_f32(sum, vmulq_f32(dot, scale), of_tokens(x_scales + 2 * t));
                    if constexpr (Offsets) sum = vfmaq_f32(sum, of_rows(offsets + 2 * r), of_tokens(x_sums + 2 * t));
                }
            }
            codes += Group * int8_lanes, x += Group * tile;
            scales += int8_lanes, offsets += Offsets ? int8_lanes : 0;
            x_scales += tile, x_sums += tile;
        }
        if (!shared && first + run < groups) continue;
        sums.write(b, number * tile, row, !b.accumulate && (!shared || first == 0), shared ? block_scales : nullptr);
    }
}

template <int Pairs, size_t Group, size_t Block, bool Offsets>
void run_rows(const Int8Block &b, size_t number) {
    for (size_t row = 0; row < b.rows; row += tile_rows) run_tile<Pairs, Group, Block, Offsets>(b, number, row);
}

template <size_t Group, size_t Block, bool Offsets>
void run_tokens(const Int8Block &b) {
    const size_t whole = b.tokens / tile, rest = b.tokens % tile;
    for (size_t n = 0; n < whole; ++n) run_rows<3, Group, Block, Offsets>(b, n);
    if (rest > 4) run_rows<3, Group, Block, Offsets>(b, whole);
    else if (rest > 2) run_rows<2, Group, Block, Offsets>(b, whole);
    else if (rest > 0) run_rows<1, Group, Block, Offsets>(b, whole);
}

template <size_t Group, size_t Block>
void run_offsets(const Int8Block &b) {
    b.offsets ? run_tokens<Group, Block, true>(b) : run_tokens<Group, Block, false>(b);
}

void int8_gemm(const Int8Block &b) {
    if (b.group == 16) return run_offsets<16, 256>(b); // Super-blocks alone have such groups.
    b.x_block == 256 ? run_offsets<32, 256>(b) : run_offsets<32, 32>(b);
}

size_t int8_peak(size_t steps) {
    constexpr int sums = 16; // Enough to hide the latency of four units.
    int32x4_t sum[sums];
#pragma GCC unroll 16
    for (int k = 0; k < sums; ++k) sum[k] = vdupq_n_s32(0);
    const int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(2);
    for (size_t i = 0; i < steps; ++i)
#pragma GCC unroll 16
        for (int k = 0; k < sums; ++k) {
            sum[k] = vmmlaq_s32(sum[k], a, b);
            // The value may not be foreseen.
            __asm__ volatile("" : "+w"(sum[k]));
        }
    return steps * sums * 32;
}

void interleave(const uint8_t *in, size_t stride, size_t n, uint8_t *out) {
    for (size_t at = 0; at < n; at += 16)
        for (size_t r = 0; r < int8_lanes; r += 2) {
            const uint64x2_t even = vreinterpretq_u64_u8(vld1q_u8(in + r * stride + at));
            const uint64x2_t odd = vreinterpretq_u64_u8(vld1q_u8(in + (r + 1) * stride + at));
            uint8_t *to = out + at * int8_lanes + r * 8;
            vst1q_u8(to, vreinterpretq_u8_u64(vzip1q_u64(even, odd)));
            vst1q_u8(to + 8 * int8_lanes, vreinterpretq_u8_u64(vzip2q_u64(even, odd)));
        }
}

} // namespace
} // namespace quant::kernel::neoni8mm
