// The functions that encodings.def names. What they must do is said in encoding.h.
#pragma once

#include "encoding/encoding.h"

namespace quant {

#define ENCODING(name, family, weights, bytes, decode, encode, summary)                                       \
    void decode(const std::byte *in, float *out, size_t blocks);                                              \
    void encode(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method);
#include "encoding/encodings.def"
#undef ENCODING

} // namespace quant
