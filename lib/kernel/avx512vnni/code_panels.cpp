// Products with the panels of code_panel_layout.h. Compiled with the tier's own flags, as its table is.
#include "kernel/avx512vnni/panels.h"

#include "kernel/avx512vnni/code_panel_product.h"

namespace quant::kernel::avx512vnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) { panel_product<CodeUnit<Encoding>>(a); }

template void panel_of<QUANT_TQ1_0>(const PanelProduct &);
template void panel_of<QUANT_TQ2_0>(const PanelProduct &);
template void panel_of<QUANT_MXFP4>(const PanelProduct &);
template void panel_of<QUANT_NVFP4>(const PanelProduct &);
template void panel_of<QUANT_Q1_0>(const PanelProduct &);
template void panel_of<QUANT_Q2_0>(const PanelProduct &);

} // namespace quant::kernel::avx512vnni
