// Error feedback for the codebook encodings: as feedback.h, a cell of 8 weights at a time.
#pragma once

#include "encoding/grid_cells.h"
#include "quantize/feedback.h"

namespace quant {

/// As encode_with_feedback(), for a layout of cells.
void encode_cells_with_feedback(const EncodingTraits &encoding, const GridCellLayout &layout,
                                const Curvature &curvature, std::span<const float> targets, size_t rows,
                                const FeedbackOptions &options, std::span<std::byte> out);

} // namespace quant
