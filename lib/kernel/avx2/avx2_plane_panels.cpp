// Products with the panels of panel_layout.h. Compiled with the tier's own flags, as its table is.
#include "kernel/avx2/avx2_panels.h"
#include "kernel/avx2/maddubs_planes.h"
#include "kernel/avx2/plane_halves.h"

namespace quant::kernel::avx2 {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) {
    panel_product<PlaneUnit<Maddubs, Encoding>>(a);
}

#define PANEL(encoding, symbol) template void symbol(const PanelProduct &);
#include "kernel/x86/plane_panels.def"

} // namespace quant::kernel::avx2
