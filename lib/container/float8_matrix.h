// Matrices of 8-bit floats with scales per tensor, row or block. Private to this room.
#pragma once

#include "container/checkpoint_parts.h"

namespace quant {

/// Add the matrix `name` of `weight` (F8_E4M3 or F8_E5M2, two dimensions), times `scale`: one number; one for each row;
/// or one for each block of block_rows x block_cols, the last of which may be cut. Throws Error naming the piece.
void add_float8(CheckpointBuilder &builder, std::string name, const TensorInfo &weight, const TensorInfo &scale,
                uint64_t block_rows, uint64_t block_cols);

} // namespace quant
