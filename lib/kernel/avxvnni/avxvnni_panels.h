// Products with panels of each encoding that has them. Instances stand in units of their own, so that
// none takes long to compile.
#pragma once

#include "kernel/kernel_table.h"

namespace quant::kernel::avxvnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a);

/// EncodingKernels::expand_panel for this tier's products of bytes.
template <quant_encoding Encoding>
bool expand_panel_of(const std::byte *panel, size_t at, size_t n, uint8_t *codes, float *scales, float *offsets);

} // namespace quant::kernel::avxvnni
