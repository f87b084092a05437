// Products with the panels of panel_layout.h. Compiled with the tier's own flags, as its table is.
#include "kernel/avx2/plane_halves.h"
#include "kernel/avxvnni/avxvnni_panels.h"
#include "kernel/avxvnni/dpbusd_planes.h"

namespace quant::kernel::avxvnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) {
    avx2::panel_product<avx2::PlaneUnit<Dpbusd, Encoding>>(a);
}

#define PANEL(encoding, symbol) template void symbol(const PanelProduct &);
#include "kernel/x86/plane_panels.def"

} // namespace quant::kernel::avxvnni
