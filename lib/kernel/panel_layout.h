// Panels (panel_shape.h): 16 rows of a matrix side by side, the lanes of a 512-bit register, so that a
// product with one token reads its weights in one stream and needs no sums across lanes.
//
// A panel is a run of units, one for each 256 columns (encodings with super-blocks), 64, or those of a larger
// group (the others). Four columns of 16 rows are 64 bytes of codes, a quad. A unit holds
//   low bits of all codes    two, four or eight bits a code: a quad's bytes share 64 bytes
//                            with those of the next quads, first quad in the lowest bits
//   high bits                none, one or two a code, likewise
//   scale codes              of each group of columns 16 bytes, one a row; or nibbles (ScaleCodes)
//   minimum codes            as bytes, likewise
//   d, dmin                  16 halves each; where there are no scale codes, of each group; zero points as dmin
// and is padded to 64 bytes. Nothing is lost, and a panel is at most 3 % larger than its
// rows are in the file.
//
// weight = d * scale * (level(code) - bias) - dmin * minimum
#pragma once

#include <quant/encoding.h>

#include <cstddef>
#include <cstdint>

namespace quant::kernel {

inline constexpr size_t panel_rows = 16, quad_bytes = 64;

enum class ScaleCodes : uint8_t {
    none,           ///< d is of a group.
    unsigned_bytes,
    signed_bytes,
    nibbles,        ///< The scale in the low half of a byte, the minimum in the high half.
    six_bits,       ///< Scale + 32: low halves of groups g and g + 8 in a byte, then two bits of g, g + 4, g + 8, g + 12.
};

/// A structural type: kernels are templates over it.
struct PanelLayout {
    quant_encoding encoding;
    uint32_t group; ///< Columns to a scale.
    int low_bits, high_bits;
    ScaleCodes scale_codes;
    bool minimum;
    int bias;       ///< Added to a level to store it as an unsigned byte.
    bool table;     ///< Codes are places in the table of 16 levels.
    bool zero = false; ///< Of each group a zero point, in place of dmin: weight = d * (code - zero).

    /// What codes are too large by to be signed bytes, beside the bias.
    constexpr int centre() const { return low_bits == 8 && bias == 0 ? 128 : 0; }
    constexpr bool super_blocks() const { return scale_codes != ScaleCodes::none; }
    constexpr size_t unit_columns() const { return super_blocks() ? 256 : group > 64 ? group : 64; }
    constexpr size_t groups() const { return unit_columns() / group; }
    /// As bytes, columns of larger groups have their scale once for each 32.
    constexpr size_t expanded_group() const { return group < 32 ? group : 32; }
    constexpr size_t expanded_copies() const { return group / expanded_group(); }
    constexpr size_t low_bytes() const { return unit_columns() * panel_rows * static_cast<size_t>(low_bits) / 8; }
    constexpr size_t high_bytes() const { return unit_columns() * panel_rows * static_cast<size_t>(high_bits) / 8; }
    constexpr size_t scale_bytes() const {
        switch (scale_codes) {
        case ScaleCodes::none:
            return 0;
        case ScaleCodes::six_bits:
            return groups() * panel_rows * 6 / 8;
        default:
            return groups() * panel_rows;
        }
    }
    constexpr size_t factor_bytes() const { return panel_rows * 2 * (super_blocks() ? 1 : groups()); }
    constexpr bool minimum_codes() const {
        return minimum && super_blocks() && scale_codes != ScaleCodes::nibbles;
    }

    constexpr size_t high_at() const { return low_bytes(); }
    constexpr size_t scales_at() const { return high_at() + high_bytes(); }
    constexpr size_t minimums_at() const { return scales_at() + scale_bytes(); }
    constexpr size_t d_at() const { return minimums_at() + (minimum_codes() ? groups() * panel_rows : 0); }
    constexpr size_t dmin_at() const { return d_at() + factor_bytes(); }
    constexpr size_t unit_bytes() const {
        const size_t all = dmin_at() + (minimum || zero ? factor_bytes() : 0);
        return (all + 63) / 64 * 64;
    }
};

inline constexpr PanelLayout panel_layouts[] = {
    {QUANT_Q4_0, 32, 4, 0, ScaleCodes::none, false, 8, false},
    {QUANT_Q4_1, 32, 4, 0, ScaleCodes::none, true, 0, false},
    {QUANT_Q5_0, 32, 4, 1, ScaleCodes::none, false, 16, false},
    {QUANT_Q5_1, 32, 4, 1, ScaleCodes::none, true, 0, false},
    {QUANT_Q8_0, 32, 8, 0, ScaleCodes::none, false, 128, false},
    {QUANT_Q2_K, 16, 2, 0, ScaleCodes::nibbles, true, 0, false},
    {QUANT_Q3_K, 16, 2, 1, ScaleCodes::six_bits, false, 4, false},
    {QUANT_Q4_K, 32, 4, 0, ScaleCodes::unsigned_bytes, true, 0, false},
    {QUANT_Q5_K, 32, 4, 1, ScaleCodes::unsigned_bytes, true, 0, false},
    {QUANT_Q6_K, 16, 4, 2, ScaleCodes::signed_bytes, false, 32, false},
    {QUANT_IQ4_NL, 32, 4, 0, ScaleCodes::none, false, 128, true},
    {QUANT_IQ4_XS, 32, 4, 0, ScaleCodes::signed_bytes, false, 128, true},
    {QUANT_INT2_G32, 32, 2, 0, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT2_G64, 64, 2, 0, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT2_G128, 128, 2, 0, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT3_G32, 32, 2, 1, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT3_G64, 64, 2, 1, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT3_G128, 128, 2, 1, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT4_G32, 32, 4, 0, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT4_G64, 64, 4, 0, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT4_G128, 128, 4, 0, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT8_G32, 32, 8, 0, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT8_G64, 64, 8, 0, ScaleCodes::none, false, 0, false, true},
    {QUANT_INT8_G128, 128, 8, 0, ScaleCodes::none, false, 0, false, true},
    {QUANT_AFFINE2_G32, 32, 2, 0, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE2_G64, 64, 2, 0, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE2_G128, 128, 2, 0, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE3_G32, 32, 2, 1, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE3_G64, 64, 2, 1, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE3_G128, 128, 2, 1, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE4_G32, 32, 4, 0, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE4_G64, 64, 4, 0, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE4_G128, 128, 4, 0, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE5_G32, 32, 4, 1, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE5_G64, 64, 4, 1, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE5_G128, 128, 4, 1, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE6_G32, 32, 4, 2, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE6_G64, 64, 4, 2, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE6_G128, 128, 4, 2, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE8_G32, 32, 8, 0, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE8_G64, 64, 8, 0, ScaleCodes::none, true, 0, false},
    {QUANT_AFFINE8_G128, 128, 8, 0, ScaleCodes::none, true, 0, false},
};

/// The layout of an encoding, or nullptr where it has none.
constexpr const PanelLayout *find_panel_layout(quant_encoding encoding) {
    for (const PanelLayout &l : panel_layouts)
        if (l.encoding == encoding) return &l;
    return nullptr;
}

} // namespace quant::kernel
