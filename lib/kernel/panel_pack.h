// Matrices into panels.
#pragma once

#include "kernel/code_panel_layout.h"
#include "kernel/grid_panel_layout.h"
#include "kernel/panel_layout.h"

#include <cstddef>

namespace quant::kernel {

/// Panels of so many rows; the last may have fewer than 16.
constexpr size_t panel_count(size_t rows) { return (rows + panel_rows - 1) / panel_rows; }

/// One panel of an encoding that has them (panel_shape.h): up to 16 rows, `stride` bytes apart, of
/// `columns` weights (a multiple of the shape's unit); rows that are not there become zeros or
/// what earlier ones were. Thread-safe.
void pack_panel(quant_encoding encoding, const std::byte *rows, size_t stride, size_t count, size_t columns,
                std::byte *out);

/// The same of each kind.
void pack_plane_panel(const PanelLayout &layout, const std::byte *rows, size_t stride, size_t count, size_t columns,
                      std::byte *out);
void pack_code_panel(const CodePanelLayout &layout, const std::byte *rows, size_t stride, size_t count, size_t columns,
                     std::byte *out);
void pack_grid_panel(const GridPanelLayout &layout, const std::byte *rows, size_t stride, size_t count, size_t columns,
                     std::byte *out);

} // namespace quant::kernel
