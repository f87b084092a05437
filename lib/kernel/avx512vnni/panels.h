// Products with panels of each encoding that has them, and what only some CPUs of the tier have. Instances stand in units of their own, so that
// none takes long to compile.
#pragma once

#include "kernel/kernel_table.h"

namespace quant::kernel::avx512vnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a);

/// Says of encodings whose products take tokens side by side that they do.
void put_lanes(KernelTable &table);

/// Of IQ1, IQ2 and IQ3, on CPUs with VBMI: the same numbers, sooner; of IQ1, whose book is large, only where
/// gathers are slow.
template <quant_encoding Encoding> void lookup_panel_of(const PanelProduct &a);
void put_lookups(KernelTable &table, bool slow_gathers);

/// EncodingKernels::two_panels of Q8_0.
void two_byte_panels(const PanelProduct &a);

/// Products of bfloat16, on CPUs that have them.
void put_bf16(KernelTable &table);

/// EncodingKernels::expand_panel for products of bytes that take codes with `Added`: 128, or 0 for signed ones.
template <quant_encoding Encoding, int Added = 128>
bool expand_panel_of(const std::byte *panel, size_t at, size_t n, uint8_t *codes, float *scales, float *offsets);

} // namespace quant::kernel::avx512vnni
