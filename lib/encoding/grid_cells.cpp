#include "encoding/grid_cells.h"

namespace quant {

const GridCellLayout *find_grid_cells(quant_encoding encoding) noexcept {
    static const auto of_1_bit = grid1_layouts();
    static const auto of_2_bits = grid2_layouts();
    static const auto of_3_bits = grid3_layouts();
    const auto find = [&](const auto &layouts) -> const GridCellLayout * {
        for (const GridCellLayout &l : layouts)
            if (l.encoding == encoding) return &l;
        return nullptr;
    };
    if (const GridCellLayout *found = find(of_1_bit)) return found;
    if (const GridCellLayout *found = find(of_2_bits)) return found;
    return find(of_3_bits);
}

} // namespace quant
