// Panels (panel_layout.h) of the formats of 1 and 2 bits, the ternary ones and the 4-bit floats,
// whose scales do not fill lines of 64 bytes as their codes do.
//
// A panel is a head with the scales of all its units, padded to 64 bytes, then the units' codes
// in whole lines, each some quads: four columns of 16 rows. In a head scales of a unit are those of
// its first group of columns, 16 rows side by side, then of the next: halves, or the bytes of
// the file. Bits of quads lie as in panel_layout.h, five ternary digits as told below.
#pragma once

#include <quant/encoding.h>

#include <cstddef>
#include <cstdint>

namespace quant::kernel {

/// A structural type: kernels are templates over it.
struct CodePanelLayout {
    quant_encoding encoding;
    uint32_t unit_columns;
    uint32_t group;       ///< Columns to a scale.
    uint32_t quads;       ///< In a line; 5: ternary digits.
    uint32_t scale_bytes; ///< Of a group and row.

    constexpr size_t groups() const { return unit_columns / group; }
    constexpr size_t head_bytes() const { return groups() * scale_bytes * 16; }
    constexpr size_t lines() const { return (unit_columns / 4 + quads - 1) / quads; }
    constexpr size_t unit_bytes() const { return lines() * 64; }
    /// Columns whose activations are summed for it; a group is one or more of that.
    constexpr size_t sums_group() const { return group == 16 ? 16 : 32; }
};

inline constexpr CodePanelLayout code_panel_layouts[] = {
    {QUANT_TQ1_0, 256, 256, 5, 2}, {QUANT_TQ2_0, 256, 256, 4, 2}, {QUANT_MXFP4, 64, 32, 2, 1},
    {QUANT_NVFP4, 64, 16, 2, 1},   {QUANT_Q1_0, 128, 128, 8, 2},  {QUANT_Q2_0, 64, 64, 4, 2},
};

/// The layout of an encoding, or nullptr where it has none.
constexpr const CodePanelLayout *find_code_panel_layout(quant_encoding encoding) {
    for (const CodePanelLayout &l : code_panel_layouts)
        if (l.encoding == encoding) return &l;
    return nullptr;
}

/// Doubled levels of 4-bit floats.
inline constexpr int8_t float4_level[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// Five digits of -1, 0, 1 in a byte v: the first stands in the top two bits of the mean of v and
// the mean of v and 253, both rounded up, plus two; the others in 3 v modulo 256 and so on. For each
// row of digits some byte does it, with means that the CPU has an instruction for.
inline constexpr int ternary_middle = 253;
constexpr unsigned ternary_field(unsigned v) {
    const unsigned mean = (v + ternary_middle + 1) / 2;
    return (v + mean + 1) / 2 & 0xc0;
}

} // namespace quant::kernel
