// Matrices into panels.
#pragma once

#include "kernel/panel_layout.h"

#include <cstddef>

namespace quant::kernel {

/// One panel: up to 16 rows, `stride` bytes apart, of `columns` weights (a multiple of the
/// layout's unit); rows that are not there become zeros. Thread-safe.
void pack_panel(const PanelLayout &layout, const std::byte *rows, size_t stride, size_t count, size_t columns,
                std::byte *out);

} // namespace quant::kernel
