// A panel of 16 rows times one or a few tokens with SDOT. Weights come as one stream from memory,
// which is what the time goes to; activations, in two planes of bytes, stay in the first-level
// cache: a register of them is 16 columns of a token, each lane the operand for one quad.
//
// SDOT takes signed bytes. Codes below 128 are the same signed, and what their level has less is
// made up for by the activations' sums; where 128 was added, the levels themselves are used.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/neon/neon_rows.h"
#include "kernel/panel_layout.h"
#include "kernel/simd/simd_blocks.h"
#include "kernel/simd/simd_choices.h"

#include <utility>

namespace quant::kernel::neondotprod {
namespace {

using neon::four_halves;
using neon::load16;

/// Registers of four rows in a panel.
constexpr size_t row_fours = panel_rows / 4;

/// Of 16 bytes, field `index` of `Bits` bits each, moved up by `to` bits.
template <int Bits>
QUANT_INLINE uint8x16_t field(uint8x16_t v, int index, int to) {
    if constexpr (Bits == 8) return v;
    const int down = index * Bits - to;
    const uint8x16_t moved = down > 0 ? v >> down : down < 0 ? v << -down : v;
    return vandq_u8(moved, vdupq_n_u8(static_cast<uint8_t>(((1 << Bits) - 1) << to)));
}

/// What the codes of a quad have more than their level, if that is not taken off them.
template <PanelLayout L>
constexpr int bias_left = L.bias == 128 ? 0 : L.bias;

/// Of quad `q` of a unit, four rows of four columns, as signed bytes.
template <PanelLayout L>
QUANT_INLINE int8x16_t four_rows(const std::byte *unit, size_t q, size_t four) {
    constexpr size_t together = 8 / L.low_bits;
    unit += four * 16;
    uint8x16_t codes = field<L.low_bits>(load16(unit + q / together * quad_bytes), static_cast<int>(q % together), 0);
    if constexpr (L.high_bits != 0) {
        constexpr size_t high_together = 8 / L.high_bits;
        const uint8x16_t high = load16(unit + L.high_at() + q / high_together * quad_bytes);
        codes = vorrq_u8(codes, field<L.high_bits>(high, static_cast<int>(q % high_together), L.low_bits));
    }
    static_assert(L.table || L.low_bits + L.high_bits < 8 || L.bias == 128);
    if constexpr (L.table) codes = vqtbl1q_u8(vreinterpretq_u8_s8(vld1q_s8(simd::table_of_16)), codes);
    else if constexpr (L.bias == 128) codes = veorq_u8(codes, vdupq_n_u8(0x80));
    return vreinterpretq_s8_u8(codes);
}

/// Four bytes as numbers.
QUANT_INLINE uint32x4_t unsigned_bytes(const std::byte *p) {
    const uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(simd::read_u32(p)));
    return vmovl_u16(vget_low_u16(vmovl_u8(bytes)));
}
QUANT_INLINE int32x4_t signed_bytes(const std::byte *p) {
    const int8x8_t bytes = vreinterpret_s8_u32(vdup_n_u32(simd::read_u32(p)));
    return vmovl_s16(vget_low_s16(vmovl_s8(bytes)));
}

/// Of four rows, the scales of a group.
template <PanelLayout L>
QUANT_INLINE float32x4_t scale_of(const std::byte *unit, size_t g, size_t four) {
    const std::byte *scales = unit + L.scales_at() + four * 4;
    if constexpr (L.scale_codes == ScaleCodes::none) {
        return four_halves(unit + L.d_at() + (g * panel_rows + four * 4) * 2);
    } else if constexpr (L.scale_codes == ScaleCodes::six_bits) {
        const uint32x4_t low = unsigned_bytes(scales + g % 8 * panel_rows) >> static_cast<int>(g / 8 * 4);
        const uint32x4_t high = unsigned_bytes(scales + (8 + g % 4) * panel_rows) >> static_cast<int>(g / 4 * 2);
        const uint32x4_t six = vorrq_u32(vandq_u32(low, vdupq_n_u32(15)), vshlq_n_u32(vandq_u32(high, vdupq_n_u32(3)), 4));
        return vcvtq_f32_s32(vsubq_s32(vreinterpretq_s32_u32(six), vdupq_n_s32(32)));
    } else if constexpr (L.scale_codes == ScaleCodes::signed_bytes) {
        return vcvtq_f32_s32(signed_bytes(scales + g * panel_rows));
    } else if constexpr (L.scale_codes == ScaleCodes::nibbles) {
        return vcvtq_f32_u32(vandq_u32(unsigned_bytes(scales + g * panel_rows), vdupq_n_u32(15)));
    } else {
        return vcvtq_f32_u32(unsigned_bytes(scales + g * panel_rows));
    }
}

/// What is to be subtracted, times the sum of activations; not yet times dmin where that is of the unit.
template <PanelLayout L>
QUANT_INLINE float32x4_t minimum_of(const std::byte *unit, size_t g, size_t four) {
    if constexpr (L.scale_codes == ScaleCodes::none)
        return four_halves(unit + L.dmin_at() + (g * panel_rows + four * 4) * 2);
    else if constexpr (L.scale_codes == ScaleCodes::nibbles)
        return vcvtq_f32_u32(vshrq_n_u32(unsigned_bytes(unit + L.scales_at() + g * panel_rows + four * 4), 4));
    else
        return vcvtq_f32_u32(unsigned_bytes(unit + L.minimums_at() + g * panel_rows + four * 4));
}

/// Whole sums of a group, of `R` registers of rows and `T` tokens: 128 times the high plane's and the low one's.
template <PanelLayout L, int T, int R>
struct GroupSums {
    int32x4_t high[T][R], low[T][R];

    QUANT_INLINE GroupSums(const std::byte *unit, size_t g, size_t four, const int8_t *planes, size_t apart,
                           const int32_t *sums, size_t groups) {
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t)
#pragma GCC unroll 4
            for (int r = 0; r < R; ++r) {
                high[t][r] = vdupq_n_s32(0);
                low[t][r] = vdupq_n_s32(bias_left<L> == 0 ? 0 : -bias_left<L> * sums[static_cast<size_t>(t) * groups]);
            }
#pragma GCC unroll 2
        for (size_t at = 0; at < L.group; at += 16) {
            int8x16_t x[T][2];
#pragma GCC unroll 4
            for (int t = 0; t < T; ++t) {
                const int8_t *plane = planes + static_cast<size_t>(t) * 2 * apart + at;
                x[t][0] = vld1q_s8(plane), x[t][1] = vld1q_s8(plane + apart);
            }
            add_quads(unit, (g * L.group + at) / 4, four, x, std::make_integer_sequence<int, 4>());
        }
    }
    template <int... Lanes>
    QUANT_INLINE void add_quads(const std::byte *unit, size_t q, size_t four, const int8x16_t (&x)[T][2],
                                std::integer_sequence<int, Lanes...>) {
        (add_quad<Lanes>(unit, q + Lanes, four, x), ...);
    }
    template <int Lane>
    QUANT_INLINE void add_quad(const std::byte *unit, size_t q, size_t four, const int8x16_t (&x)[T][2]) {
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) {
            const int8x16_t codes = four_rows<L>(unit, q, four + static_cast<size_t>(r));
#pragma GCC unroll 4
            for (int t = 0; t < T; ++t) {
                high[t][r] = vdotq_laneq_s32(high[t][r], codes, x[t][0], Lane);
                low[t][r] = vdotq_laneq_s32(low[t][r], codes, x[t][1], Lane);
            }
        }
    }
    QUANT_INLINE float32x4_t total(int t, int r) const {
        return vcvtq_f32_s32(vaddq_s32(vshlq_n_s32(high[t][r], 7), low[t][r]));
    }
};

/// Sums of 16 rows and `T` tokens.
template <int T>
using RowSums = float32x4_t[T][row_fours];

template <int T>
QUANT_INLINE void clear(RowSums<T> &sums) {
    for (auto &token : sums)
        for (float32x4_t &four : token) four = vdupq_n_f32(0);
}

/// Adds the sums over a unit, in units of the activations' scale, of `R` registers of rows from
/// `first` on and the first `T` tokens.
template <PanelLayout L, int T, int R>
QUANT_INLINE void add_rows(const std::byte *unit, size_t first, const int8_t *planes, size_t apart,
                           const int32_t *sums, size_t groups, RowSums<T> &total) {
    float32x4_t scaled[T][R], least[T][R];
#pragma GCC unroll 4
    for (int t = 0; t < T; ++t)
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) scaled[t][r] = least[t][r] = vdupq_n_f32(0);
    for (size_t g = 0; g < L.groups(); ++g) {
        const GroupSums<L, T, R> dots(unit, g, first, planes + g * L.group, apart, sums + g, groups);
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) {
            const float32x4_t scale = scale_of<L>(unit, g, first + static_cast<size_t>(r));
#pragma GCC unroll 4
            for (int t = 0; t < T; ++t) scaled[t][r] = vfmaq_f32(scaled[t][r], dots.total(t, r), scale);
            if constexpr (L.minimum) {
                const float32x4_t minimum = minimum_of<L>(unit, g, first + static_cast<size_t>(r));
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) {
                    const auto sum = static_cast<float>(sums[static_cast<size_t>(t) * groups + g]);
                    least[t][r] = vfmaq_n_f32(least[t][r], minimum, sum);
                }
            }
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < T; ++t)
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) {
            const size_t four = first + static_cast<size_t>(r);
            float32x4_t &sum = total[t][four];
            if constexpr (L.super_blocks()) {
                sum = vfmaq_f32(sum, scaled[t][r], four_halves(unit + L.d_at() + four * 8));
                if constexpr (L.minimum) sum = vfmsq_f32(sum, least[t][r], four_halves(unit + L.dmin_at() + four * 8));
            } else {
                sum = vaddq_f32(sum, scaled[t][r]);
                if constexpr (L.minimum) sum = vsubq_f32(sum, least[t][r]);
            }
        }
}

template <PanelLayout L, int T>
void run_panel(const PanelProduct &a, size_t first) {
    const int8_t *planes = a.planes + first * 2 * a.plane_stride;
    const float *scales = a.scales + first * a.stretches;
    const int32_t *sums = a.sums + first * a.groups;
    const std::byte *unit = a.panel;
    constexpr int together = T > 2 ? 2 : 4; // At most 16 sums of integers in registers.
    RowSums<T> y;
    clear<T>(y);
    for (size_t at = 0, stretch = 0; at < a.columns; at += PlaneTokens::stretch, ++stretch) {
        const size_t left = a.columns - at, n = left < PlaneTokens::stretch ? left : PlaneTokens::stretch;
        RowSums<T> total;
        clear<T>(total);
        for (size_t k = 0; k < n; k += L.unit_columns(), unit += L.unit_bytes())
            for (size_t four = 0; four < row_fours; four += together)
                add_rows<L, T, together>(unit, four, planes + at + k, a.plane_stride, sums + (at + k) / L.group, a.groups,
                                         total);
        for (int t = 0; t < T; ++t)
            for (size_t four = 0; four < row_fours; ++four)
                y[t][four] = vfmaq_n_f32(y[t][four], total[t][four], scales[static_cast<size_t>(t) * a.stretches + stretch]);
    }
    for (int t = 0; t < T; ++t)
        for (size_t four = 0; four < row_fours; ++four)
            neon::FourRows(a.y + (first + static_cast<size_t>(t)) * a.y_stride, a.rows, four * 4).store(y[t][four]);
}

template <PanelLayout L>
void panel_product(const PanelProduct &a) {
    simd::for_tokens<4>(a.tokens, [&]<int T>(size_t first) { run_panel<L, T>(a, first); });
}

} // namespace
} // namespace quant::kernel::neondotprod
