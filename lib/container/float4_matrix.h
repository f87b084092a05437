// Matrices of 4-bit floats under 8-bit scales under one divisor. Private to this room.
#pragma once

#include "container/checkpoint_parts.h"

namespace quant {

/// Add the matrix `name`: `packed` uint8 [out, in / 2], neighbours in one byte and the first in its low half;
/// `scales` E4M3 [out, in / 16]; x = level * (scale / divisor). Throws Error naming the piece.
void add_float4(CheckpointBuilder &builder, std::string name, const TensorInfo &packed, const TensorInfo &scales,
                float divisor);

} // namespace quant
