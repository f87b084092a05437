// INTb_Gg and AFFINEb_Gg, for those who have codes already.
#pragma once

#include "encoding/block_grid.h"

namespace quant {

/// What such an encoding's name says.
struct GroupForm {
    int bits;
    uint32_t group;
    bool bias; ///< AFFINE; else INT.
};

/// The encoding of this form, or nullptr where there is none.
const EncodingTraits *find_group_encoding(const GroupForm &form) noexcept;
/// The form of an encoding, `bits` 0 where it is none of these.
GroupForm group_form(quant_encoding encoding) noexcept;

/// A block of `form`: `codes` of its group, and the two numbers in half precision.
void store_group(const GroupForm &form, float d, float second, const uint8_t *codes, std::byte *out) noexcept;

/// Bytes of a block's codes, a dense stream, and where they begin in it.
inline constexpr size_t group_codes_at = 4;
constexpr size_t group_code_bytes(const GroupForm &form) noexcept { return form.group / 8 * static_cast<size_t>(form.bits); }

/// A block of `form` whose codes are such a stream already.
void store_dense_group(const GroupForm &form, float d, float second, const std::byte *codes, std::byte *out) noexcept;

/// The same taken apart.
void load_group(const GroupForm &form, const std::byte *in, float &d, float &second, uint8_t *codes) noexcept;

/// INTb_Gg as encoders make it that leave zero points in the middle of the codes, 2^(b-1): the row of the table with
/// another encode(). nullptr for any other encoding.
const EncodingTraits *symmetric_encoding(quant_encoding encoding) noexcept;

/// How the numbers of such blocks are bounded; of a row that symmetric_encoding() gave, with the zero point fixed.
/// nullptr for any other encoding.
const GridLayout *find_group_layout(const EncodingTraits &encoding) noexcept;

} // namespace quant
