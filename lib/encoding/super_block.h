// Super-blocks of 256 weights in the frame of block_frame.h.
#pragma once

#include "encoding/block_frame.h"

namespace quant {

inline constexpr size_t super_block = 256;
using SuperFrame = BlockFrame<super_block>;

} // namespace quant
