// Two panels of bytes at a time with groups of four tokens: each load of activations serves both panels, and each of
// weights four tokens, so that the multiplier waits for neither. For tokens too few to be lanes (lane_run.h). All the
// while, lines of what is read next are asked for a few at a time: asked for by the first tokens alone, they would be
// waited for, and memory be idle while the others are multiplied. Codes of fewer bits are better taken apart for eight
// tokens at a time (panel_run.h): making them bytes in the first-level cache for all tokens was measured, and is slower
// by a tenth. Compiled with the tier's own flags, as its table is.
#include "kernel/avx512vnni/panels.h"

#include "kernel/avx512vnni/panel_product.h"
#include "kernel/token_lanes.h"

namespace quant::kernel::avx512vnni {
namespace {

constexpr size_t tokens_at_once = 4, panels_at_once = 2, lanes = TokenLanes::lanes;

/// Asks for lines one by one, `steps` times the same share of them.
class LinesAhead {
public:
    QUANT_INLINE LinesAhead(const std::byte *at, size_t bytes, size_t steps)
        : at_(at),
          left_(bytes / 64),
          rate_((left_ * whole + steps - 1) / steps) {}
    QUANT_INLINE void step() {
        for (due_ += rate_; due_ >= whole && left_ != 0; due_ -= whole, --left_, at_ += 64)
            _mm_prefetch(reinterpret_cast<const char *>(at_), _MM_HINT_T1);
    }

private:
    static constexpr size_t whole = 64;
    const std::byte *at_;
    size_t left_, rate_, due_ = 0;
};

constexpr PanelLayout layout = *find_panel_layout(QUANT_Q8_0);
static_assert(layout.low_bits == 8 && !layout.super_blocks() && !layout.minimum);
constexpr size_t group_quads = layout.group / 4;

using TwoSums = __m512[tokens_at_once][panels_at_once];

/// Of a group, from quads of both panels and of the tokens; of each token what `start` says.
QUANT_INLINE void add_dots(const std::byte *first, const std::byte *second, const int8_t *x,
                           const __m512i (&start)[tokens_at_once], __m512i (&out)[tokens_at_once][panels_at_once]) {
    __m512i high[tokens_at_once][panels_at_once], low[tokens_at_once][panels_at_once];
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens_at_once; ++t) {
        high[t][0] = high[t][1] = _mm512_setzero_si512();
        low[t][0] = low[t][1] = start[t];
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < group_quads; ++i) {
        const __m512i w[panels_at_once] = {load64(first + i * quad_bytes), load64(second + i * quad_bytes)};
        const int8_t *upper_bytes = x + i * 2 * quad_bytes, *lower_bytes = upper_bytes + quad_bytes;
#pragma GCC unroll 4
        for (size_t t = 0; t < tokens_at_once; ++t) {
            const __m512i upper = four_columns(upper_bytes + t * 4), lower = four_columns(lower_bytes + t * 4);
#pragma GCC unroll 2
            for (size_t p = 0; p < panels_at_once; ++p) {
                high[t][p] = _mm512_dpbusd_epi32(high[t][p], w[p], upper);
                low[t][p] = _mm512_dpbusd_epi32(low[t][p], w[p], lower);
            }
        }
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens_at_once; ++t)
#pragma GCC unroll 2
        for (size_t p = 0; p < panels_at_once; ++p) out[t][p] = joined(high[t][p], low[t][p]);
}

/// Four tokens' sums over a stretch of so many units, in units of the activations' scale: the operations of
/// add_plane_unit() in their order. x and sums: as TokenLanes has them, from the stretch's and the first token's on.
QUANT_INLINE void add_stretch(const std::byte *const (&unit)[panels_at_once], size_t units, const int8_t *x,
                              const int32_t *sums, LinesAhead &ahead, TwoSums &total) {
    for (size_t u = 0; u < units; ++u) {
        const std::byte *first = unit[0] + u * layout.unit_bytes(), *second = unit[1] + u * layout.unit_bytes();
        TwoSums scaled;
#pragma GCC unroll 4
        for (size_t t = 0; t < tokens_at_once; ++t) scaled[t][0] = scaled[t][1] = _mm512_setzero_ps();
        for (size_t g = 0; g < layout.groups(); ++g, x += group_quads * 2 * quad_bytes, sums += lanes) {
            ahead.step();
            __m512i start[tokens_at_once], dots[tokens_at_once][panels_at_once];
#pragma GCC unroll 4
            for (size_t t = 0; t < tokens_at_once; ++t) start[t] = _mm512_set1_epi32(-layout.bias * sums[t]);
            const size_t at = g * group_quads * quad_bytes;
            add_dots(first + at, second + at, x, start, dots);
            const __m512 scale[panels_at_once] = {scale_of<layout>(first, g), scale_of<layout>(second, g)};
#pragma GCC unroll 4
            for (size_t t = 0; t < tokens_at_once; ++t)
#pragma GCC unroll 2
                for (size_t p = 0; p < panels_at_once; ++p)
                    scaled[t][p] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots[t][p]), scale[p], scaled[t][p]);
        }
#pragma GCC unroll 4
        for (size_t t = 0; t < tokens_at_once; ++t)
#pragma GCC unroll 2
            for (size_t p = 0; p < panels_at_once; ++p) total[t][p] = _mm512_add_ps(total[t][p], scaled[t][p]);
    }
}

/// A token's sums of both panels' rows.
struct TwoPanelSums {
    alignas(64) float of_row[panels_at_once][panel_rows];
};

/// All tokens, up to a block of TokenLanes: their sums go to `y`.
void add_tokens(const PanelProduct &a, LinesAhead &ahead, TwoPanelSums *y) {
    constexpr size_t stretch_bytes = PlaneTokens::stretch / layout.unit_columns() * layout.unit_bytes();
    for (size_t s = 0; s < a.stretches; ++s) {
        const size_t at = s * PlaneTokens::stretch, left = a.columns - at,
                     n = left < PlaneTokens::stretch ? left : PlaneTokens::stretch;
        const std::byte *const units[panels_at_once] = {a.panel + s * stretch_bytes, a.second + s * stretch_bytes};
        for (size_t t = 0; t < a.tokens; t += tokens_at_once) {
            TwoSums total;
#pragma GCC unroll 4
            for (size_t i = 0; i < tokens_at_once; ++i) total[i][0] = total[i][1] = _mm512_setzero_ps();
            add_stretch(units, n / layout.unit_columns(), a.lanes + at * 2 * lanes + t * 4,
                        a.lane_sums + at / layout.group * lanes + t, ahead, total);
#pragma GCC unroll 4
            for (size_t i = 0; i < tokens_at_once; ++i) {
                const __m512 scale = _mm512_set1_ps(a.lane_scales[s * lanes + t + i]);
#pragma GCC unroll 2
                for (size_t p = 0; p < panels_at_once; ++p) {
                    float *sum = y[t + i].of_row[p];
                    _mm512_store_ps(sum, _mm512_fmadd_ps(total[i][p], scale, _mm512_load_ps(sum)));
                }
            }
        }
    }
}

} // namespace

void two_byte_panels(const PanelProduct &a) {
    const auto mask = static_cast<__mmask16>(a.rows >= 2 * panel_rows ? 0xffffu : (1u << (a.rows - panel_rows)) - 1);
    const size_t groups = (a.tokens + tokens_at_once - 1) / tokens_at_once;
    LinesAhead ahead(a.ahead, a.ahead_bytes, a.columns / layout.group * groups);
    TwoPanelSums y[lanes];
    for (TwoPanelSums &sums : y)
        for (auto &of : sums.of_row) _mm512_store_ps(of, _mm512_setzero_ps());
    add_tokens(a, ahead, y);
    for (size_t t = 0; t < a.tokens; ++t) {
        float *to = a.y + t * a.y_stride;
        _mm512_storeu_ps(to, _mm512_load_ps(y[t].of_row[0]));
        _mm512_mask_storeu_ps(to + panel_rows, mask, _mm512_load_ps(y[t].of_row[1]));
    }
}

} // namespace quant::kernel::avx512vnni
