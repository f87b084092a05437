// INTb_Gg and AFFINEb_Gg, for those who have codes already.
#pragma once

#include "encoding/encoding.h"

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

/// The same taken apart.
void load_group(const GroupForm &form, const std::byte *in, float &d, float &second, uint8_t *codes) noexcept;

} // namespace quant
