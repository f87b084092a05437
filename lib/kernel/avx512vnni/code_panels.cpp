// Products with the panels of code_panel_layout.h. Compiled with the tier's own flags, as its table is.
#include "kernel/avx512vnni/panels.h"

#include "kernel/avx512vnni/code_panel_product.h"

namespace quant::kernel::avx512vnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) { panel_product<CodeUnit<Encoding>>(a); }

#define PANEL(encoding, symbol) template void symbol(const PanelProduct &);
#include "kernel/x86/code_panels.def"

} // namespace quant::kernel::avx512vnni
