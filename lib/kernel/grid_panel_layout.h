// Panels (panel_layout.h) of the codebook formats, whose codes are looked up.
//
// A panel is a head with d of all its units (but for IQ1_M), 16 halves each, padded to 64 bytes, then units of
// 256 columns. A cell is 8 columns, a run 4 cells. Rows 0 to 7 of a cell are a register of
// bytes, so are rows 8 to 15: a half. A unit holds its runs one after the other,
//   low codes   IQ2 and IQ1: cell by cell a byte for each of 16 rows; IQ3: two, of both points
//               IQ2_XS: instead the words of the file, of rows 0 to 7 of the four cells, then of the others
//   signs       IQ2_S, IQ3: a byte for each cell and row; IQ2_XXS and IQ3_XXS: in seven bits, the eighth
//               follows; the top bits of four bytes are the scale of a row, in the order of rows
// then, of the whole unit,
//   high codes  IQ2_S: two bits of 16 cells in a dword for each row, rows 0 to 7, then 8 to 15, then the
//               other cells; IQ1_M: likewise nibbles of 8 cells; IQ1_S: the words of the file, 16 rows
//               for each run; IQ3_S: 16 bits for each half, two of each row
//   scales      IQ2_XS, IQ2_S: a byte for each run and row, two nibbles; IQ3_S: for two runs;
//               IQ1_M: the words of the file, which hold d as well
// Every part is as large as it is in the file.
#pragma once

#include <quant/encoding.h>

#include <cstddef>
#include <cstdint>

namespace quant::kernel {

inline constexpr size_t grid_columns = 256, grid_runs = 8;

/// A structural type: kernels are templates over it.
struct GridPanelLayout {
    quant_encoding encoding;
    uint32_t group; ///< Columns to a scale.
    size_t run_bytes, high_bytes, scale_bytes, head_bytes;

    constexpr size_t high_at() const { return grid_runs * run_bytes; }
    constexpr size_t scales_at() const { return high_at() + high_bytes; }
    constexpr size_t unit_bytes() const { return scales_at() + scale_bytes; }
};

inline constexpr GridPanelLayout grid_panel_layouts[] = {
    {QUANT_IQ1_S, 32, 64, 256, 0, 32},   {QUANT_IQ1_M, 16, 64, 256, 128, 0},   {QUANT_IQ2_XXS, 32, 128, 0, 0, 32},
    {QUANT_IQ2_XS, 16, 128, 0, 128, 32}, {QUANT_IQ2_S, 16, 128, 128, 128, 32}, {QUANT_IQ3_XXS, 32, 192, 0, 0, 32},
    {QUANT_IQ3_S, 32, 192, 128, 64, 32},
};

/// The layout of an encoding, or nullptr where it has none.
constexpr const GridPanelLayout *find_grid_panel_layout(quant_encoding encoding) {
    for (const GridPanelLayout &l : grid_panel_layouts)
        if (l.encoding == encoding) return &l;
    return nullptr;
}

} // namespace quant::kernel
