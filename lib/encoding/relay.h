// From one encoding to another without a change of a weight, where the numbers allow it.
#pragma once

#include "encoding/encoding.h"

namespace quant {

/// Whether blocks of `from` may be blocks of `to`; the numbers in them decide.
bool may_relay(const EncodingTraits &from, const EncodingTraits &to) noexcept;

/// The blocks of `weights` weights, a whole number of blocks of both, as blocks of `to`; into nullptr, only whether that can
/// be. False: `to` has no way to say
/// one of the weights, and what is in `out` is worth nothing. Any thread. Where it is true, decoding both gives the same
/// floats, but for the sign of zeros.
bool relay(const EncodingTraits &from, const std::byte *in, const EncodingTraits &to, std::byte *out, uint64_t weights);

} // namespace quant
