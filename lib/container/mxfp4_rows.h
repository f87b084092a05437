// Rows of MXFP4 blocks, of codes and scales that a checkpoint keeps apart. Private to this room.
#pragma once

#include "container/checkpoint_parts.h"

namespace quant {

/// A tensor of `shape` as QUANT_MXFP4, exactly: `codes` has half a byte a weight, neighbours in one byte and
/// the first of them in its low half; `scales` a byte 2^(byte - 127) for 32 weights. Throws Error naming
/// the piece that is of another type or size, or the scales of rows that are no multiple of 32.
void add_mxfp4(CheckpointBuilder &builder, std::string name, std::vector<uint64_t> shape, const TensorInfo &codes,
               const TensorInfo &scales);

} // namespace quant
