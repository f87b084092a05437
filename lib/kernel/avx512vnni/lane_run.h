// A panel of 16 rows times sixteen tokens or more with VPDPBUSD. Lanes are tokens, side by side as TokenLanes has them,
// so that four columns of a row, broadcast, are taken out of memory once for both planes of sixteen tokens: with rows
// as lanes, each product would take an operand of its own, more than a core loads. Codes are unpacked once for all
// tokens. The numbers are those of run_panel(): sums of whole numbers have no order, and floats keep theirs.
#pragma once

#include "kernel/avx512vnni/panel_product.h"
#include "kernel/token_lanes.h"
#include "kernel/x86/x86_turn.h"

namespace quant::kernel::avx512vnni {
namespace {

constexpr size_t token_lanes = TokenLanes::lanes, most_blocks = 4;
/// Fewer are multiplied sooner with rows as lanes.
constexpr size_t least_lane_tokens = 14;
/// Rows whose sums are in registers at a time: of both planes, and scaled.
constexpr int rows_at_a_time = 8;

/// Rows by lanes.
struct LaneSums {
    alignas(64) float of[panel_rows][token_lanes];

    QUANT_INLINE void clear() {
#pragma GCC unroll 16
        for (auto &row : of) _mm512_store_ps(row, _mm512_setzero_ps());
    }
};

/// Written out: around its intrinsic, GCC 12 copies each sum twice.
QUANT_INLINE void add_products_of(__m512i &sums, __m512i weights, __m512i x) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(weights), "v"(x));
}

/// A unit is unpacked at once, so the next one has to be in the first-level cache by then.
QUANT_INLINE void ask_for_line(const std::byte *p) {
    _mm_prefetch(reinterpret_cast<const char *>(p) + far_ahead, _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char *>(p), _MM_HINT_T0);
}

QUANT_INLINE __m512i load_lanes(const void *p) { return _mm512_loadu_si512(p); }

/// What all tokens take of a unit. Codes that are bytes stay where they lie.
template <PanelLayout L> struct UnpackedUnit {
    static constexpr bool bytes = L.low_bits == 8 && !L.table;
    const std::byte *codes;
    alignas(64) std::byte unpacked[bytes ? 64 : L.unit_columns() * panel_rows];
    alignas(64) float scales[L.groups()][panel_rows], minimums[L.groups()][panel_rows];
    alignas(64) float d[panel_rows], dmin[panel_rows];

    QUANT_INLINE void take(const std::byte *unit) {
        codes = bytes ? unit : unpacked;
        if constexpr (!bytes) {
            for (size_t q = 0; q < L.unit_columns() / 4; q += 8)
#pragma GCC unroll 8
                for (size_t i = 0; i < 8; ++i)
                    _mm512_store_si512(unpacked + (q + i) * quad_bytes, quad<L>(unit, q + i));
        }
        for (size_t g = 0; g < L.groups(); ++g) {
            _mm512_store_ps(scales[g], scale_of<L>(unit, g));
            if constexpr (L.minimum || L.zero) _mm512_store_ps(minimums[g], minimum_of<L>(unit, g));
        }
        if constexpr (L.super_blocks()) {
            _mm512_store_ps(d, halves(unit + L.d_at()));
            if constexpr (L.minimum) _mm512_store_ps(dmin, halves(unit + L.dmin_at()));
        }
    }
};

/// Sums over a group of both planes as one, of some rows from `codes` on.
template <PanelLayout L>
QUANT_INLINE void add_lane_group(const std::byte *codes, const int8_t *x, const int32_t *sums,
                                 __m512i (&out)[rows_at_a_time]) {
    __m512i high[rows_at_a_time], low[rows_at_a_time];
    const __m512i start =
        L.bias == 0 ? _mm512_setzero_si512() : _mm512_mullo_epi32(load_lanes(sums), _mm512_set1_epi32(-L.bias));
#pragma GCC unroll 8
    for (int r = 0; r < rows_at_a_time; ++r) high[r] = _mm512_setzero_si512(), low[r] = start;
#pragma GCC unroll 8
    for (size_t q = 0; q < L.group / 4; ++q) {
        const __m512i upper = load_lanes(x + q * 2 * quad_bytes), lower = load_lanes(x + (q * 2 + 1) * quad_bytes);
#pragma GCC unroll 8
        for (int r = 0; r < rows_at_a_time; ++r) {
            const __m512i four = four_columns(reinterpret_cast<const int8_t *>(codes + q * quad_bytes) + r * 4);
            add_products_of(high[r], four, upper);
            add_products_of(low[r], four, lower);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows_at_a_time; ++r) out[r] = joined(high[r], low[r]);
}

/// As add_plane_unit(), of some rows from `row` on. `next` is the unit that is unpacked next; these rows `ask`
/// for their share of it.
template <PanelLayout L>
QUANT_INLINE void add_lane_rows(const UnpackedUnit<L> &unit, size_t row, const int8_t *x, const int32_t *sums,
                                const std::byte *next, bool ask, LaneSums &total) {
    constexpr size_t shares = L.groups() * panel_rows / rows_at_a_time,
                     share = (L.unit_bytes() / 64 + shares - 1) / shares;
    next += row / rows_at_a_time * L.groups() * share * 64;
    __m512 scaled[rows_at_a_time];
#pragma GCC unroll 8
    for (auto &of : scaled) of = _mm512_setzero_ps();
    for (size_t g = 0; g < L.groups(); ++g) {
        if (ask) {
#pragma GCC unroll 8
            for (size_t l = 0; l < share; ++l) ask_for_line(next + (g * share + l) * 64);
        }
        __m512i dots[rows_at_a_time];
        add_lane_group<L>(unit.codes + g * L.group / 4 * quad_bytes + row * 4, x + g * L.group / 4 * 2 * quad_bytes,
                          sums + g * token_lanes, dots);
        const __m512 sum = _mm512_cvtepi32_ps(load_lanes(sums + g * token_lanes));
#pragma GCC unroll 8
        for (size_t r = 0; r < rows_at_a_time; ++r) {
            __m512 whole = _mm512_cvtepi32_ps(dots[r]);
            if constexpr (L.zero) whole = _mm512_fnmadd_ps(_mm512_set1_ps(unit.minimums[g][row + r]), sum, whole);
            scaled[r] = _mm512_fmadd_ps(whole, _mm512_set1_ps(unit.scales[g][row + r]), scaled[r]);
        }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < rows_at_a_time; ++r) {
        float *of = total.of[row + r];
        if constexpr (L.super_blocks())
            _mm512_store_ps(of, _mm512_fmadd_ps(scaled[r], _mm512_set1_ps(unit.d[row + r]), _mm512_load_ps(of)));
        else
            _mm512_store_ps(of, _mm512_add_ps(_mm512_load_ps(of), scaled[r]));
    }
    if constexpr (L.minimum) {
#pragma GCC unroll 8
        for (auto &of : scaled) of = _mm512_setzero_ps();
        for (size_t g = 0; g < L.groups(); ++g) {
            const __m512 whole = _mm512_cvtepi32_ps(load_lanes(sums + g * token_lanes));
#pragma GCC unroll 8
            for (size_t r = 0; r < rows_at_a_time; ++r)
                scaled[r] = _mm512_fmadd_ps(_mm512_set1_ps(unit.minimums[g][row + r]), whole, scaled[r]);
        }
#pragma GCC unroll 8
        for (size_t r = 0; r < rows_at_a_time; ++r) {
            float *of = total.of[row + r];
            if constexpr (L.super_blocks())
                _mm512_store_ps(of,
                                _mm512_fnmadd_ps(scaled[r], _mm512_set1_ps(unit.dmin[row + r]), _mm512_load_ps(of)));
            else
                _mm512_store_ps(of, _mm512_sub_ps(_mm512_load_ps(of), scaled[r]));
        }
    }
}

/// y of a block: rows and tokens turned.
QUANT_INLINE void write_lanes(const LaneSums &y, size_t rows, size_t tokens, float *out, size_t stride) {
    alignas(64) float turned[token_lanes][panel_rows];
#pragma GCC unroll 2
    for (size_t r = 0; r < panel_rows; r += 8)
#pragma GCC unroll 2
        for (size_t t = 0; t < token_lanes; t += 8)
            x86::turn_eight(y.of[r] + t, token_lanes, turned[t] + r, panel_rows);
    const auto mask = static_cast<__mmask16>(rows >= panel_rows ? 0xffffu : (1u << rows) - 1);
    for (size_t t = 0; t < tokens; ++t) _mm512_mask_storeu_ps(out + t * stride, mask, _mm512_load_ps(turned[t]));
}

/// Tokens from `first` on, which is a block's first; up to most_blocks blocks.
template <PanelLayout L> void run_lanes(const PanelProduct &a, size_t first, size_t tokens) {
    const size_t blocks = (tokens + token_lanes - 1) / token_lanes;
    const int8_t *x = a.lanes + first * 2 * a.columns;
    const float *scales = a.lane_scales + first * a.stretches;
    const int32_t *sums = a.lane_sums + first * a.groups;
    LaneSums y[most_blocks], total[most_blocks];
    for (size_t b = 0; b < blocks; ++b) y[b].clear();
    const std::byte *unit = a.panel;
    for (size_t at = 0, stretch = 0; at < a.columns; at += PlaneTokens::stretch, ++stretch) {
        const size_t left = a.columns - at, n = left < PlaneTokens::stretch ? left : PlaneTokens::stretch;
        for (size_t b = 0; b < blocks; ++b) total[b].clear();
        for (size_t k = at; k < at + n; k += L.unit_columns(), unit += L.unit_bytes()) {
            UnpackedUnit<L> unpacked;
            unpacked.take(unit);
            for (size_t b = 0; b < blocks; ++b)
                for (size_t row = 0; row < panel_rows; row += rows_at_a_time)
                    add_lane_rows<L>(unpacked, row, x + b * token_lanes * 2 * a.columns + k * 2 * token_lanes,
                                     sums + b * token_lanes * a.groups + k / L.group * token_lanes,
                                     unit + L.unit_bytes(), b == 0, total[b]);
        }
        for (size_t b = 0; b < blocks; ++b) {
            const __m512 scale = _mm512_loadu_ps(scales + (b * a.stretches + stretch) * token_lanes);
            for (size_t r = 0; r < panel_rows; ++r)
                _mm512_store_ps(y[b].of[r],
                                _mm512_fmadd_ps(_mm512_load_ps(total[b].of[r]), scale, _mm512_load_ps(y[b].of[r])));
        }
    }
    for (size_t b = 0; b < blocks; ++b)
        write_lanes(y[b], a.rows, tokens - b * token_lanes < token_lanes ? tokens - b * token_lanes : token_lanes,
                    a.y + (first + b * token_lanes) * a.y_stride, a.y_stride);
}

/// As panel_product(): blocks of tokens side by side where somebody laid them, others as planes. A block that is
/// not full costs as much as one that is.
template <class Unit> void lane_product(const PanelProduct &a) {
    size_t first = 0;
    while (a.lanes && a.tokens - first >= least_lane_tokens) {
        const size_t most = most_blocks * token_lanes, n = a.tokens - first < most ? a.tokens - first : most;
        const size_t rest = n % token_lanes, taken = rest < least_lane_tokens ? n - rest : n;
        run_lanes<Unit::layout>(a, first, taken);
        first += taken;
    }
    simd::for_tokens<Unit::most_tokens>(
        a.tokens, [&]<int T>(size_t at) { run_panel<Unit, T>(a, at); }, first);
}

} // namespace
} // namespace quant::kernel::avx512vnni
