// Products of bytes with SDOT: four rows are the lanes of a register, four columns the bytes of
// a lane. A tile of 8 rows by up to 6 tokens has its sums of a group of columns as integers, and
// those of all groups as floats, in registers; a panel of 16 rows is two of them. Codes of this
// tier are signed, so that the tokens' corrections for an added 128 are not needed.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/neon/neon_rows.h"

#include <utility>

namespace quant::kernel::neondotprod {
namespace {

// 12 sums of integers, 12 of floats, 2 of weights, 2 of activations: 28 of 32 registers.
constexpr size_t tile = register_tile.tokens, tile_rows = 8;

/// Four columns of the tokens of a tile.
struct FourColumns {
    int8x16_t first;
    int8x8_t last;

    /// Only those of the first `Tokens`.
    template <int Tokens>
    static QUANT_INLINE FourColumns load(const int8_t *p) {
        return {vld1q_s8(p), Tokens > 4 ? vld1_s8(p + 16) : vdup_n_s8(0)};
    }
    template <int Token>
    QUANT_INLINE int32x4_t add_product(int32x4_t sum, int8x16_t w) const {
        if constexpr (Token < 4) return vdotq_laneq_s32(sum, w, first, Token);
        else return vdotq_lane_s32(sum, w, last, Token - 4);
    }
};

/// The sums of a group of columns, of 8 rows.
template <size_t Group, int... T>
QUANT_INLINE void group_dots(const uint8_t *codes, const int8_t *x, int32x4_t (&dots)[sizeof...(T)][2],
                             std::integer_sequence<int, T...>) {
    ((dots[T][0] = dots[T][1] = vdupq_n_s32(0)), ...);
#pragma GCC unroll 8
    for (size_t i = 0; i < Group / 4; ++i) {
        const uint8_t *at = codes + i * 4 * int8_lanes;
        const int8x16_t top = vreinterpretq_s8_u8(vld1q_u8(at)), bottom = vreinterpretq_s8_u8(vld1q_u8(at + 16));
        const auto four = FourColumns::load<sizeof...(T)>(x + i * 4 * tile);
        ((dots[T][0] = four.template add_product<T>(dots[T][0], top)), ...);
        ((dots[T][1] = four.template add_product<T>(dots[T][1], bottom)), ...);
    }
}

/// Eight rows from `row` on, of the first `Tokens` of the tile with this number. Activations share
/// a scale over `Block` columns: where that is more than a group, the groups' sums need it once a
/// block only.
template <int Tokens, size_t Group, size_t Block, bool Offsets>
void run_tile(const Int8Block &b, size_t number, size_t row) {
    const size_t groups = b.k / Group, panel = row / int8_lanes, within = row % int8_lanes;
    const size_t of_tile = number * b.x_groups * tile, of_panel = panel * groups * int8_lanes + within;
    const int8_t *x = b.x + number * b.x_cols * tile;
    const float *x_scales = b.x_scales + of_tile, *x_sums = b.x_sums + of_tile;
    const uint8_t *codes = b.codes + panel * b.k * int8_lanes + within * 4;
    const float *scales = b.scales + of_panel, *offsets = Offsets ? b.offsets + of_panel : nullptr;
    constexpr bool shared = Block > Group;
    constexpr size_t run = shared ? Block / Group : 1;
    float32x4_t sums[Tokens][2];
    for (size_t first = 0; first < groups; first += run) {
        if (shared || first == 0)
#pragma GCC unroll 6
            for (int t = 0; t < Tokens; ++t) sums[t][0] = sums[t][1] = vdupq_n_f32(0);
        const float *block_scales = x_scales;
        for (size_t g = 0; g < run; ++g) {
            int32x4_t dots[Tokens][2];
            group_dots<Group>(codes, x, dots, std::make_integer_sequence<int, Tokens>());
#pragma GCC unroll 2
            for (int h = 0; h < 2; ++h) {
                const float32x4_t scale = vld1q_f32(scales + 4 * h);
#pragma GCC unroll 6
                for (int t = 0; t < Tokens; ++t) {
                    const float32x4_t dot = vcvtq_f32_s32(dots[t][h]);
                    sums[t][h] = shared ? vfmaq_f32(sums[t][h], dot, scale)
                                        : vfmaq_n_f32(sums[t][h], vmulq_f32(dot, scale), x_scales[t]);
                }
                if constexpr (Offsets) {
                    const float32x4_t offset = vld1q_f32(offsets + 4 * h);
#pragma GCC unroll 6
                    for (int t = 0; t < Tokens; ++t) sums[t][h] = vfmaq_n_f32(sums[t][h], offset, x_sums[t]);
                }
            }
            codes += Group * int8_lanes, x += Group * tile;
            scales += int8_lanes, offsets += Offsets ? int8_lanes : 0;
            x_scales += tile, x_sums += tile;
        }
        if (!shared && first + run < groups) continue;
#pragma GCC unroll 6
        for (int t = 0; t < Tokens; ++t)
#pragma GCC unroll 2
            for (int h = 0; h < 2; ++h) {
                const neon::FourRows to(b.y + (number * tile + static_cast<size_t>(t)) * b.y_stride, b.rows,
                                        row + 4 * static_cast<size_t>(h));
                const bool fresh = !b.accumulate && (!shared || first == 0);
                const float32x4_t before = fresh ? vdupq_n_f32(0) : to.load();
                to.store(shared ? vfmaq_n_f32(before, sums[t][h], block_scales[t]) : vaddq_f32(before, sums[t][h]));
            }
    }
}

template <int Tokens, size_t Group, size_t Block, bool Offsets>
void run_rows(const Int8Block &b, size_t number) {
    for (size_t row = 0; row < b.rows; row += tile_rows) run_tile<Tokens, Group, Block, Offsets>(b, number, row);
}

template <size_t Group, size_t Block, bool Offsets>
void run_tokens(const Int8Block &b) {
    const size_t whole = b.tokens / tile;
    for (size_t n = 0; n < whole; ++n) run_rows<6, Group, Block, Offsets>(b, n);
    switch (b.tokens % tile) {
    case 1: return run_rows<1, Group, Block, Offsets>(b, whole);
    case 2: return run_rows<2, Group, Block, Offsets>(b, whole);
    case 3: return run_rows<3, Group, Block, Offsets>(b, whole);
    case 4: return run_rows<4, Group, Block, Offsets>(b, whole);
    case 5: return run_rows<5, Group, Block, Offsets>(b, whole);
    default: return;
    }
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
            sum[k] = vdotq_s32(sum[k], a, b);
            // The value may not be foreseen.
            __asm__ volatile("" : "+w"(sum[k]));
        }
    return steps * sums * 16;
}

void interleave(const uint8_t *in, size_t stride, size_t n, uint8_t *out) {
    for (size_t at = 0; at < n; at += 16)
        for (size_t r = 0; r < int8_lanes; r += 4) {
            // Of four rows, four lanes of four columns become four rows of each lane.
            const auto row = [&](size_t i) __attribute__((always_inline)) {
                return vreinterpretq_u32_u8(vld1q_u8(in + (r + i) * stride + at));
            };
            const uint32x4x2_t even = vzipq_u32(row(0), row(2)), odd = vzipq_u32(row(1), row(3));
            const uint32x4x2_t low = vzipq_u32(even.val[0], odd.val[0]), high = vzipq_u32(even.val[1], odd.val[1]);
            uint8_t *to = out + at * int8_lanes + r * 4;
            vst1q_u8(to, vreinterpretq_u8_u32(low.val[0]));
            vst1q_u8(to + 4 * int8_lanes, vreinterpretq_u8_u32(low.val[1]));
            vst1q_u8(to + 8 * int8_lanes, vreinterpretq_u8_u32(high.val[0]));
            vst1q_u8(to + 12 * int8_lanes, vreinterpretq_u8_u32(high.val[1]));
        }
}

} // namespace
} // namespace quant::kernel::neondotprod
