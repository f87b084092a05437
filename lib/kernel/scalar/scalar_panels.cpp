// A panel times one or a few tokens, number by number: what panel_layout.h says in words, and
// the faster tiers' kernels do sixteen rows at a time.
#include "encoding/block_bytes.h"
#include "encoding/block_grid.h"
#include "kernel/scalar/scalar_kernels.h"
#include "kernel/scalar/scalar_panel_walk.h"

namespace quant::kernel::scalar {

namespace {

/// One row of a unit.
struct UnitRow {
    const PanelLayout &layout;
    const GridLayout *grid; ///< Of layouts with a table.
    const std::byte *unit;
    size_t row;

    int byte(size_t at) const { return std::to_integer<int>(unit[at]); }
    /// A field of `bits` bits of a column's code, from the quads at `at` on.
    int field(size_t at, int bits, size_t column) const {
        const size_t quad = column / 4, together = 8 / static_cast<size_t>(bits);
        const int shared = byte(at + quad / together * quad_bytes + row * 4 + column % 4);
        return shared >> (quad % together * static_cast<size_t>(bits)) & ((1 << bits) - 1);
    }
    /// As stored: the level and the bias.
    int biased_level(size_t column) const {
        int code = field(0, layout.low_bits, column);
        if (layout.high_bits != 0) code |= field(layout.high_at(), layout.high_bits, column) << layout.low_bits;
        return layout.table ? static_cast<int>(grid->level(code)) + layout.bias : code;
    }
    float half(size_t at, size_t group) const { return load_f16(unit + at + (group * panel_rows + row) * 2); }
    int scale_byte(size_t group) const { return byte(layout.scales_at() + group * panel_rows + row); }

    /// Without d where that is of the unit.
    float scale(size_t g) const {
        switch (layout.scale_codes) {
        case ScaleCodes::none:
            return half(layout.d_at(), g);
        case ScaleCodes::unsigned_bytes:
            return static_cast<float>(scale_byte(g));
        case ScaleCodes::signed_bytes:
            return static_cast<float>(static_cast<int8_t>(scale_byte(g)));
        case ScaleCodes::nibbles:
            return static_cast<float>(scale_byte(g) & 15);
        case ScaleCodes::six_bits:
            return static_cast<float>((scale_byte(g % 8) >> (g / 8 * 4) & 15) |
                                      (scale_byte(8 + g % 4) >> (g / 4 * 2) & 3) << 4) - 32;
        }
        return 0;
    }
    /// Without dmin where that is of the unit; or the zero point.
    float minimum(size_t g) const {
        if (!layout.super_blocks()) return half(layout.dmin_at(), g);
        if (layout.scale_codes == ScaleCodes::nibbles) return static_cast<float>(scale_byte(g) >> 4);
        return static_cast<float>(byte(layout.minimums_at() + g * panel_rows + row));
    }
};

/// Adds a unit's columns to `total`, in units of the activations' scale.
void add_unit(const UnitRow &weights, const UnitTokens &tokens, float &total) {
    const PanelLayout &l = weights.layout;
    float scaled = 0, least = 0;
    for (size_t g = 0; g < l.groups(); g++) {
        int32_t sum = -l.bias * tokens.sums[g];
        for (size_t c = g * l.group; c < (g + 1) * l.group; c++) sum += weights.biased_level(c) * tokens.number(c);
        auto whole = static_cast<float>(sum);
        if (l.zero) whole = fused(-weights.minimum(g), static_cast<float>(tokens.sums[g]), whole);
        scaled = fused(whole, weights.scale(g), scaled);
        if (l.minimum) least = fused(weights.minimum(g), static_cast<float>(tokens.sums[g]), least);
    }
    if (l.super_blocks()) {
        total = fused(scaled, weights.half(l.d_at(), 0), total);
        if (l.minimum) total = fused(-least, weights.half(l.dmin_at(), 0), total);
    } else {
        total += scaled;
        if (l.minimum) total -= least;
    }
}

} // namespace

void panel_product(const PanelLayout &layout, const PanelProduct &a) {
    const GridLayout *grid = find_grid_layout(layout.encoding);
    walk_panel(a, shape_of(layout), 1, [&](size_t unit, size_t row, const UnitTokens &tokens, float &total) {
        add_unit({layout, grid, a.panel + unit * layout.unit_bytes(), row}, tokens, total);
    });
}

} // namespace quant::kernel::scalar
