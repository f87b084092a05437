// Products with the panels of grid_panel_layout.h. Compiled with the tier's own flags, as its table is.
#include "kernel/avx512vnni/panels.h"

#include "kernel/avx512vnni/grid_panel_product.h"

namespace quant::kernel::avx512vnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) { panel_product<GridUnit<Encoding>>(a); }

template void panel_of<QUANT_IQ1_S>(const PanelProduct &);
template void panel_of<QUANT_IQ1_M>(const PanelProduct &);
template void panel_of<QUANT_IQ2_XXS>(const PanelProduct &);
template void panel_of<QUANT_IQ2_XS>(const PanelProduct &);
template void panel_of<QUANT_IQ2_S>(const PanelProduct &);
template void panel_of<QUANT_IQ3_XXS>(const PanelProduct &);
template void panel_of<QUANT_IQ3_S>(const PanelProduct &);

} // namespace quant::kernel::avx512vnni
