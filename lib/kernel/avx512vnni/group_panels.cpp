// Products with the panels of encodings of groups with two numbers, and these as bytes. Compiled with the tier's own flags, as its table is.
#include "kernel/avx512vnni/panels.h"

#include "kernel/avx512vnni/lane_run.h"
#include "kernel/avx512vnni/plane_expand.h"

namespace quant::kernel::avx512vnni {

template <quant_encoding Encoding> void panel_of(const PanelProduct &a) { lane_product<PlaneUnit<Encoding>>(a); }

#define PANEL(encoding, symbol) template void symbol(const PanelProduct &);
#include "kernel/x86/group_panels_x86.def"

template <quant_encoding Encoding, int Added>
bool expand_panel_of(const std::byte *panel, size_t at, size_t n, uint8_t *codes, float *scales, float *offsets) {
    return expand_units<*find_panel_layout(Encoding), Added>(panel, at, n, codes, scales, offsets);
}

#define EXPAND_PANEL(encoding, symbol)                                                                         \
    template bool symbol(const std::byte *, size_t, size_t, uint8_t *, float *, float *);                       \
    template bool expand_panel_of<QUANT_##encoding, 0>(const std::byte *, size_t, size_t, uint8_t *, float *, float *);
#include "kernel/x86/expand_groups.def"

} // namespace quant::kernel::avx512vnni
