// Encodings of a 32-bit scale and codes of one weight each, for those who have codes already.
#pragma once

#include "encoding/encoding.h"

namespace quant {

/// What a code is: a level of NF4, FP4 or int8 (bitsandbytes), an 8-bit float, or -1, 0, 1 as 0, 1, 2.
enum class ScaledKind : uint8_t { nf4, fp4, absmax8, e4m3, e5m2, ternary };

/// The encoding of this kind with a scale for `group` weights, or nullptr where there is none.
const EncodingTraits *find_scaled_encoding(ScaledKind kind, uint32_t group) noexcept;

/// A block of such an encoding, of its weights' codes, one a byte.
void store_scaled(const EncodingTraits &encoding, float d, const uint8_t *codes, std::byte *out) noexcept;

/// The same taken apart.
void load_scaled(const EncodingTraits &encoding, const std::byte *in, float &d, uint8_t *codes) noexcept;

/// The weight that a code means under a scale, as blocks decode it.
float scaled_weight(ScaledKind kind, uint8_t code, float d) noexcept;

} // namespace quant
