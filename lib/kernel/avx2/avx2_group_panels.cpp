// Products with the panels of encodings of groups with two numbers, and these as bytes. Compiled with the tier's own flags, as its table is.
#include "kernel/avx2/avx2_panels.h"
#include "kernel/avx2/code_range.h"
#include "kernel/avx2/half_expand.h"
#include "kernel/avx2/maddubs_planes.h"
#include "kernel/avx2/plane_halves.h"

namespace quant::kernel::avx2 {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) {
    panel_product<PlaneUnit<Maddubs, Encoding>>(a);
}

#define PANEL(encoding, symbol) template void symbol(const PanelProduct &);
#include "kernel/x86/group_panels_x86.def"

template <quant_encoding Encoding>
bool expand_panel_of(const std::byte *panel, size_t at, size_t n, uint8_t *codes, float *scales, float *offsets) {
    return expand_units<*find_panel_layout(Encoding), added_to(Encoding)>(panel, at, n, codes, scales, offsets);
}

#define EXPAND_PANEL(encoding, symbol)                                                                         \
    template bool symbol(const std::byte *, size_t, size_t, uint8_t *, float *, float *);
#include "kernel/x86/expand_groups.def"

} // namespace quant::kernel::avx2
