// Rounding with error feedback on an encoding's own grid: codes and scales are chosen
// for the least squared error of the matrix's output instead of the matrix itself
// (sections 2.2 and 2.3 of the survey: GPTQ/LDLQ, then coordinate descent).
#pragma once

#include "encoding/block_grid.h"
#include "quantize/second_moments.h"

#include <cstddef>
#include <span>

namespace quant {

struct FeedbackOptions {
    int code_sweeps = 2;  ///< Of coordinate descent over the codes, after each pass over the scales.
    int scale_passes = 2; ///< Over scales, minimums and the blocks' common factors.
};

/// Encode `rows` rows of curvature.n target weights; `out` takes the encoded rows.
/// Runs on the calling thread.
void encode_with_feedback(const EncodingTraits &encoding, const GridLayout &layout, const Curvature &curvature,
                          std::span<const float> targets, size_t rows, const FeedbackOptions &options,
                          std::span<std::byte> out);

} // namespace quant
