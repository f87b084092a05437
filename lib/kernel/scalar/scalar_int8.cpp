// Products of bytes, in the order that Int8Block leaves open: whole numbers are exact, and floats
// come together group by group along the columns.
#include "encoding/cpu_clones.h"
#include "kernel/activations.h"
#include "kernel/scalar/scalar_kernels.h"
#include "kernel/scalar/scalar_lanes.h"

#include <algorithm>

namespace quant::kernel::scalar {

namespace {

constexpr size_t tile = register_tile.tokens;

/// Codes of a group of columns times a token's, for each of 16 rows.
inline void group_dots(const uint8_t *codes, const int8_t *x, size_t group, float (&out)[int8_lanes]) {
    int32_t sums[int8_lanes] = {};
    for (size_t i = 0; i < group / 4; ++i, codes += 4 * int8_lanes, x += 4 * tile)
        for (size_t r = 0; r < int8_lanes; ++r)
            for (size_t c = 0; c < 4; ++c) sums[r] += static_cast<int8_t>(codes[r * 4 + c]) * x[c];
    for (size_t r = 0; r < int8_lanes; ++r) out[r] = static_cast<float>(sums[r]);
}

/// What one token's activations are to a panel.
struct TokenRow {
    const int8_t *x;
    const float *scales, *sums; ///< `tile` apart, as the columns' fours are.

    TokenRow(const Int8Block &b, size_t token)
        : x(b.x + token / tile * b.x_cols * tile + token % tile * 4),
          scales(b.x_scales + token / tile * b.x_groups * tile + token % tile),
          sums(b.x_sums + token / tile * b.x_groups * tile + token % tile) {}
};

/// Where activations share a scale over a group only, it counts with each group's sum; over a block
/// of 256, with the sum of the block, after which y is rounded.
inline void panel_row(const Int8Block &b, size_t panel, const TokenRow &token, size_t rows, float *y) {
    const bool shared = b.x_block == most_activation_block;
    const size_t groups = b.k / b.group, run = shared ? b.x_block / b.group : groups;
    const uint8_t *codes = b.codes + panel * b.k * int8_lanes;
    float sums[int8_lanes];
    for (size_t g = 0; g < groups; ++g) {
        if (g % run == 0) std::fill_n(sums, int8_lanes, 0.0f);
        float dots[int8_lanes];
        group_dots(codes + g * b.group * int8_lanes, token.x + g * b.group * tile, b.group, dots);
        const float *scales = b.scales + (panel * groups + g) * int8_lanes, x_scale = token.scales[g * tile];
        for (size_t r = 0; r < int8_lanes; ++r)
            sums[r] = shared ? fused(dots[r], scales[r], sums[r]) : fused(dots[r] * scales[r], x_scale, sums[r]);
        if (b.offsets) {
            const float *offsets = b.offsets + (panel * groups + g) * int8_lanes;
            for (size_t r = 0; r < int8_lanes; ++r) sums[r] = fused(offsets[r], token.sums[g * tile], sums[r]);
        }
        if ((g + 1) % run != 0) continue;
        const bool fresh = !b.accumulate && g < run;
        for (size_t r = 0; r < rows; ++r) {
            const float before = fresh ? 0.0f : y[r];
            y[r] = shared ? fused(sums[r], x_scale, before) : sums[r] + before;
        }
    }
}

} // namespace

QUANT_CPU_CLONES void int8_gemm(const Int8Block &b) {
    for (size_t t = 0; t < b.tokens; ++t)
        for (size_t p = 0; p < b.panels; ++p)
            panel_row(b, p, TokenRow(b, t), std::min(int8_lanes, b.rows - p * int8_lanes),
                      b.y + t * b.y_stride + p * int8_lanes);
}

void interleave(const uint8_t *in, size_t stride, size_t n, uint8_t *out) {
    for (size_t r = 0; r < int8_lanes; ++r)
        for (size_t c = 0; c < n; ++c) out[(c / 4 * int8_lanes + r) * 4 + c % 4] = in[r * stride + c];
}

} // namespace quant::kernel::scalar
