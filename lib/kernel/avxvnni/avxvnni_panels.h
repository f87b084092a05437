// Products with panels of each encoding that has them. Instances stand in units of their own, so that
// none takes long to compile.
#pragma once

#include "kernel/kernel_table.h"

namespace quant::kernel::avxvnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a);

} // namespace quant::kernel::avxvnni
