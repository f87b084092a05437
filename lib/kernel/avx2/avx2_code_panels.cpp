// Products with the panels of code_panel_layout.h. Compiled with the tier's own flags, as its table is.
#include "kernel/avx2/avx2_panels.h"
#include "kernel/avx2/code_halves.h"
#include "kernel/avx2/maddubs_planes.h"

namespace quant::kernel::avx2 {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) {
    panel_product<CodeUnit<Maddubs, Encoding>>(a);
}

#define PANEL(encoding, symbol) template void symbol(const PanelProduct &);
#include "kernel/x86/code_panels.def"

} // namespace quant::kernel::avx2
