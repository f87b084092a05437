// What code_panel_layout.h says in words, number by number.
#include "encoding/block_bytes.h"
#include "kernel/scalar/scalar_kernels.h"
#include "kernel/scalar/scalar_panel_walk.h"

#include <cmath>

namespace quant::kernel::scalar {

namespace {

/// One row of a unit.
struct CodeRow {
    const CodePanelLayout &layout;
    const std::byte *head, *unit;
    size_t row;

    /// A column's level: of 4-bit floats doubled.
    int level(size_t column) const {
        const size_t quad = column / 4, within = quad % layout.quads;
        unsigned byte = std::to_integer<unsigned>(unit[quad / layout.quads * 64 + row * 4 + column % 4]);
        switch (layout.encoding) {
        case QUANT_Q1_0:
            return static_cast<int>(byte >> within & 1) * 2 - 1;
        case QUANT_TQ1_0:
            for (size_t i = 0; i < within; i++) byte = byte * 3 & 255;
            return static_cast<int>(ternary_field(byte) >> 6) - 2;
        case QUANT_MXFP4:
        case QUANT_NVFP4:
            return float4_level[byte >> (4 * within) & 15];
        default:
            return static_cast<int>(byte >> (2 * within) & 3) - 1;
        }
    }
    /// Of a group; of NVFP4 without its 128.
    float scale(size_t g) const {
        const std::byte *at = head + (g * 16 + row) * layout.scale_bytes;
        if (layout.encoding == QUANT_MXFP4) return std::ldexp(1.0f, std::to_integer<int>(*at) - 128);
        if (layout.encoding == QUANT_NVFP4) return f32_from_f16(static_cast<uint16_t>(std::to_integer<unsigned>(*at) << 7));
        return load_f16(at);
    }
};

} // namespace

void panel_product(const CodePanelLayout &layout, const PanelProduct &a) {
    const PanelShape shape = shape_of(layout);
    const std::byte *units = a.panel + shape.head(a.columns);
    const auto add = [&](size_t unit, size_t row, const UnitTokens &tokens, float &total) {
        const CodeRow weights{layout, a.panel + unit * shape.head_bytes, units + unit * shape.unit_bytes, row};
        for (size_t g = 0; g < layout.groups(); g++) {
            int32_t sum = 0;
            for (size_t c = g * layout.group; c < (g + 1) * layout.group; c++) sum += weights.level(c) * tokens.number(c);
            total = fused(static_cast<float>(sum), weights.scale(g), total);
        }
    };
    walk_panel(a, shape, layout.encoding == QUANT_NVFP4 ? 128 : 1, add);
}

} // namespace quant::kernel::scalar
