// Blocks of the codebook encodings taken apart, as block_grid.h does for those with levels:
// for methods that choose points and scales one at a time.
//
// In IQ2 and IQ3 weight i of a super-block is d * multiple(scale) * sign * coordinate of a
// point; points have 4 or 8 coordinates, and a cell of 8 weights has 8 signs. In IQ1 it is
// d * multiple(scale) * (coordinate +- shift), one way for all weights of a cell.
#pragma once

#include "encoding/encoding.h"

#include <array>

namespace quant {

/// What a super-block of 256 stores.
struct GridCells {
    float d = 0;
    std::array<int, 16> scale{};
    std::array<std::array<uint32_t, 2>, 32> point{}; ///< Of each cell; the second where points have 4 coordinates.
    std::array<uint32_t, 32> signs{};                ///< A bit set is a minus; in IQ1 one bit: shifted down.
};

struct GridCellLayout {
    quant_encoding encoding;
    uint32_t group;       ///< Weights that share a scale.
    uint32_t dims;        ///< Coordinates of a point.
    uint32_t points;
    bool even_signs;      ///< The number of minus signs in a cell is even.
    float shift;          ///< Not 0: coordinates have signs of their own, and are shifted by that.
    bool shared_shift;    ///< By all cells that share a scale.
    int scale_top;        ///< Scale codes are 0 .. scale_top.
    float (*multiple)(int code);
    const float *(*point)(uint32_t code);
    void (*unpack)(const std::byte *in, GridCells &cells);
    void (*pack)(const GridCells &cells, std::byte *out);
};

/// The layout of an encoding, or nullptr where it is none of these.
const GridCellLayout *find_grid_cells(quant_encoding encoding) noexcept;

/// Of the kinds in one file; find_grid_cells() looks through all.
std::array<GridCellLayout, 2> grid1_layouts();
std::array<GridCellLayout, 3> grid2_layouts();
std::array<GridCellLayout, 2> grid3_layouts();

} // namespace quant
