// NVFP4_Gg: 4-bit floats under 8-bit scales under a 32-bit divisor, for those who have codes already.
#pragma once

#include "encoding/encoding.h"

namespace quant {

/// The largest of these encodings whose blocks a row of `cols` weights is made of, or nullptr.
const EncodingTraits *find_float4_encoding(uint64_t cols) noexcept;

/// A block: a scale for each 16 weights (E4M3), and their codes, neighbours in one byte and the first in its low half.
void store_float4(const EncodingTraits &encoding, float divisor, const std::byte *scales, const std::byte *codes,
                  std::byte *out) noexcept;

/// The same taken apart.
void load_float4(const EncodingTraits &encoding, const std::byte *in, float &divisor, std::byte *scales,
                 std::byte *codes) noexcept;

/// Weights under a divisor for all of them to a block: scales by search, for the least squared error.
void encode_float4(const EncodingTraits &encoding, float divisor, const float *in, std::byte *out) noexcept;

/// The weight of a code, as blocks decode it.
float float4_weight(unsigned code, std::byte scale, float divisor) noexcept;

} // namespace quant
