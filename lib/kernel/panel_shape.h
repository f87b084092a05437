// What all panels have in common, whatever lies in them: how long they are and how many columns
// their products take at a time.
#pragma once

#include "kernel/code_panel_layout.h"
#include "kernel/grid_panel_layout.h"
#include "kernel/panel_layout.h"

namespace quant::kernel {

/// Changes with any layout of panels, so that packs of other versions are not read as this one's.
inline constexpr uint32_t panel_layout_version = 1;

struct PanelShape {
    size_t unit_columns;           ///< Columns are a multiple of it.
    size_t head_bytes, unit_bytes; ///< For each unit: in front of all units, and in its place.
    size_t sums_group;             ///< Columns whose activations are summed: 16, 32, 64 or 128.

    constexpr size_t head(size_t columns) const { return (columns / unit_columns * head_bytes + 63) / 64 * 64; }
    /// Of a panel.
    constexpr size_t bytes(size_t columns) const { return head(columns) + columns / unit_columns * unit_bytes; }
};

constexpr PanelShape shape_of(const PanelLayout &l) { return {l.unit_columns(), 0, l.unit_bytes(), l.group}; }
constexpr PanelShape shape_of(const CodePanelLayout &l) {
    return {l.unit_columns, l.head_bytes(), l.unit_bytes(), l.sums_group()};
}
constexpr PanelShape shape_of(const GridPanelLayout &l) {
    return {grid_columns, l.head_bytes, l.unit_bytes(), l.group};
}

/// `unit_columns` is 0 where an encoding has no panels.
constexpr PanelShape panel_shape(quant_encoding encoding) {
    // Not by find_panel_layout(): under a sanitizer GCC 12 knows no pointer's being null when it compiles.
    for (const PanelLayout &l : panel_layouts)
        if (l.encoding == encoding) return shape_of(l);
    for (const CodePanelLayout &l : code_panel_layouts)
        if (l.encoding == encoding) return shape_of(l);
    for (const GridPanelLayout &l : grid_panel_layouts)
        if (l.encoding == encoding) return shape_of(l);
    return {};
}

} // namespace quant::kernel
