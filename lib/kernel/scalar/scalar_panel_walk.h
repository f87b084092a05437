// In which order all panels are multiplied: row by row and token by token, unit after unit.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/panel_shape.h"
#include "kernel/scalar/scalar_lanes.h"

namespace quant::kernel::scalar {

/// A token's activations over the columns of a unit.
struct UnitTokens {
    const int8_t *high, *low;
    const int32_t *sums;

    int number(size_t column) const { return 128 * high[column] + low[column]; }
};

/// `add(unit, row, tokens, total)` adds a unit's columns in units of the activations' scale; behind each
/// stretch that shares one, `factor` times that counts.
template <class AddUnit>
void walk_panel(const PanelProduct &a, const PanelShape &shape, float factor, const AddUnit &add) {
    for (size_t t = 0; t < a.tokens; t++) {
        const int8_t *high = a.planes + t * 2 * a.plane_stride, *low = high + a.plane_stride;
        const int32_t *sums = a.sums + t * a.groups;
        for (size_t r = 0; r < a.rows; r++) {
            float y = 0, total = 0;
            for (size_t at = 0; at < a.columns; at += shape.unit_columns) {
                add(at / shape.unit_columns, r, UnitTokens{high + at, low + at, sums + at / shape.sums_group}, total);
                const size_t next = at + shape.unit_columns;
                if (next % PlaneTokens::stretch != 0 && next != a.columns) continue;
                y = fused(total, factor * a.scales[t * a.stretches + at / PlaneTokens::stretch], y);
                total = 0;
            }
            a.y[t * a.y_stride + r] = y;
        }
    }
}

} // namespace quant::kernel::scalar
