#include "encoding/grid_cells.h"

namespace quant {

const GridCellLayout *find_grid_cells(quant_encoding encoding) noexcept {
    static const auto of_2_bits = grid2_layouts();
    static const auto of_3_bits = grid3_layouts();
    for (const GridCellLayout &l : of_2_bits)
        if (l.encoding == encoding) return &l;
    for (const GridCellLayout &l : of_3_bits)
        if (l.encoding == encoding) return &l;
    return nullptr;
}

} // namespace quant
