// Products with panels whose points are looked up in registers. Compiled for CPUs that have VBMI besides what the
// tier needs, and called on no others.
#include "kernel/avx512vnni/panels.h"

#include "kernel/avx512vnni/grid_lookup_product.h"

namespace quant::kernel::avx512vnni {

template <quant_encoding Encoding> void lookup_panel_of(const PanelProduct &a) {
    panel_product<LookupUnit<Encoding>>(a);
}

template void lookup_panel_of<QUANT_IQ2_XXS>(const PanelProduct &);
template void lookup_panel_of<QUANT_IQ2_XS>(const PanelProduct &);
template void lookup_panel_of<QUANT_IQ2_S>(const PanelProduct &);
template void lookup_panel_of<QUANT_IQ3_XXS>(const PanelProduct &);
template void lookup_panel_of<QUANT_IQ3_S>(const PanelProduct &);
template void lookup_panel_of<QUANT_IQ1_S>(const PanelProduct &);
template void lookup_panel_of<QUANT_IQ1_M>(const PanelProduct &);

void put_lookups(KernelTable &table, bool slow_gathers) {
    table.encodings[QUANT_IQ2_XXS].panel = lookup_panel_of<QUANT_IQ2_XXS>;
    table.encodings[QUANT_IQ2_XS].panel = lookup_panel_of<QUANT_IQ2_XS>;
    table.encodings[QUANT_IQ2_S].panel = lookup_panel_of<QUANT_IQ2_S>;
    table.encodings[QUANT_IQ3_XXS].panel = lookup_panel_of<QUANT_IQ3_XXS>;
    table.encodings[QUANT_IQ3_S].panel = lookup_panel_of<QUANT_IQ3_S>;
    if (!slow_gathers) return;
    table.encodings[QUANT_IQ1_S].panel = lookup_panel_of<QUANT_IQ1_S>;
    table.encodings[QUANT_IQ1_M].panel = lookup_panel_of<QUANT_IQ1_M>;
}

} // namespace quant::kernel::avx512vnni
