// Products with the panels of encodings of groups with two numbers, and these as bytes. Compiled with the tier's own flags, as its table is.
#include "kernel/avx2/half_expand.h"
#include "kernel/avx2/plane_halves.h"
#include "kernel/avxvnni/avxvnni_panels.h"
#include "kernel/avxvnni/dpbusd_planes.h"

namespace quant::kernel::avxvnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) {
    avx2::panel_product<avx2::PlaneUnit<Dpbusd, Encoding>>(a);
}

#define PANEL(encoding, symbol) template void symbol(const PanelProduct &);
#include "kernel/x86/group_panels_x86.def"

template <quant_encoding Encoding>
bool expand_panel_of(const std::byte *panel, size_t at, size_t n, uint8_t *codes, float *scales, float *offsets) {
    return avx2::expand_units<*find_panel_layout(Encoding), 128>(panel, at, n, codes, scales, offsets);
}

#define EXPAND_PANEL(encoding, symbol)                                                                         \
    template bool symbol(const std::byte *, size_t, size_t, uint8_t *, float *, float *);
#include "kernel/x86/expand_groups.def"

} // namespace quant::kernel::avxvnni
