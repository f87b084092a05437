// Products with panels of each encoding that has them. Instances stand in units of their own, so that
// none takes long to compile.
#pragma once

#include "kernel/kernel_table.h"

namespace quant::kernel::avx512vnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a);

/// Of IQ2 and IQ3, on CPUs with VBMI: the same numbers, sooner.
template <quant_encoding Encoding> void lookup_panel_of(const PanelProduct &a);
void put_lookups(KernelTable &table);

} // namespace quant::kernel::avx512vnni
