// Products with the panels of panel_layout.h. Compiled with the tier's own flags, as its table is.
#include "kernel/avx512vnni/panels.h"

#include "kernel/avx512vnni/panel_product.h"

namespace quant::kernel::avx512vnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) { panel_product<PlaneUnit<Encoding>>(a); }

template void panel_of<QUANT_Q4_0>(const PanelProduct &);
template void panel_of<QUANT_Q4_1>(const PanelProduct &);
template void panel_of<QUANT_Q5_0>(const PanelProduct &);
template void panel_of<QUANT_Q5_1>(const PanelProduct &);
template void panel_of<QUANT_Q8_0>(const PanelProduct &);
template void panel_of<QUANT_Q2_K>(const PanelProduct &);
template void panel_of<QUANT_Q3_K>(const PanelProduct &);
template void panel_of<QUANT_Q4_K>(const PanelProduct &);
template void panel_of<QUANT_Q5_K>(const PanelProduct &);
template void panel_of<QUANT_Q6_K>(const PanelProduct &);
template void panel_of<QUANT_IQ4_NL>(const PanelProduct &);
template void panel_of<QUANT_IQ4_XS>(const PanelProduct &);

} // namespace quant::kernel::avx512vnni
