#include "kernel/panel_pack.h"

namespace quant::kernel {

void pack_panel(quant_encoding encoding, const std::byte *rows, size_t stride, size_t count, size_t columns,
                std::byte *out) {
    if (const PanelLayout *l = find_panel_layout(encoding)) pack_plane_panel(*l, rows, stride, count, columns, out);
    if (const CodePanelLayout *l = find_code_panel_layout(encoding))
        pack_code_panel(*l, rows, stride, count, columns, out);
    if (const GridPanelLayout *l = find_grid_panel_layout(encoding))
        pack_grid_panel(*l, rows, stride, count, columns, out);
}

} // namespace quant::kernel
