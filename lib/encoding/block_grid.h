// Blocks taken apart: the numbers that an encoding stores, each by itself, for methods
// that choose codes and scales one at a time instead of a block at once.
//
// Every encoding of the uniform and table16 families is
//     weight i = d * scale[g] * level(code[i]) - dmin * minimum[g],  g = i / width,
// where legacy blocks have one group whose scale and minimum are the constant 1.
#pragma once

#include "encoding/encoding.h"

#include <array>

namespace quant {

inline constexpr size_t most_block_weights = 256, most_block_groups = 16;

/// What one block stores. Only the first `block` codes and `groups` scales count.
struct BlockGrid {
    float d = 0, dmin = 0; ///< Half-precision values.
    std::array<int, most_block_groups> scale{}, minimum{};
    std::array<uint8_t, most_block_weights> code{};
};

/// How the numbers of an encoding's blocks are bounded and where they lie.
struct GridLayout {
    quant_encoding encoding;
    uint32_t block, groups;
    int code_high;                  ///< Codes are 0 .. code_high.
    int level_low;                  ///< level(code) = level_low + code, where there is no table.
    const float *table;             ///< Ascending levels, code_high + 1 of them; or nullptr.
    int scale_low, scale_high;      ///< Equal: not stored.
    int minimum_low, minimum_high;  ///< Equal: not stored; both 0: there is no minimum.
    bool signed_dmin;
    void (*unpack)(const std::byte *in, BlockGrid &grid);
    void (*pack)(const BlockGrid &grid, std::byte *out);
    bool is_zero_point = false;     ///< The minimum counts steps of d, which dmin equals.

    uint32_t width() const { return block / groups; }
    float level(int code) const { return table ? table[code] : static_cast<float>(level_low + code); }
    /// The code whose level is nearest to `v`.
    int nearest(float v) const;
    bool has_minimum() const { return minimum_high != 0; }
};

/// The layout of an encoding, or nullptr where its blocks cannot be taken apart so; of INTb_Gg and AFFINEb_Gg
/// find_group_layout() (group_blocks.h) has it.
const GridLayout *find_grid_layout(quant_encoding encoding) noexcept;

} // namespace quant
