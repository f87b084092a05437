// Encoding a matrix for the least error of its output, and choosing how on inputs that
// the choice was not fitted to.
#pragma once

#include "quantize/layerwise.h"

#include <quant/encoding.h>

#include <cstddef>
#include <span>
#include <vector>

namespace quant {

/// What calibration made of a matrix.
struct CalibratedMatrix {
    std::vector<std::byte> bytes;
    quant_method method;     ///< IMPORTANCE or FEEDBACK.
    float shrink, drift;     ///< Of FEEDBACK: how it was done; see FeedbackChoice.
    double held_error;       ///< Squared output error on held-out inputs; of the whole matrix, or of
    double held_importance;  ///< the sampled rows where methods were compared; the same of IMPORTANCE.
};

/// How second moments are used. `shrink` in [0, 1] weakens the correlations between
/// columns, which few or foreign calibration tokens overstate; `drift` in [0, 1] is how
/// far a matrix goes to undo the errors before it (GPTAQ, arXiv 2504.02692).
struct FeedbackChoice {
    float shrink = 0, drift = 1;
};

/// Encode rows x cols weights. FEEDBACK uses `usual_choice`; BEST compares choices and
/// IMPORTANCE on a sample of rows, by held-out error, and then encodes with the winner
/// and all moments. Encodings whose blocks cannot be taken apart get IMPORTANCE.
CalibratedMatrix encode_calibrated(const EncodingTraits &encoding, quant_method method, std::span<const float> weights,
                                   size_t rows, size_t cols, const InputMoments &inputs, WorkerPool &pool);

inline constexpr FeedbackChoice usual_choice{};

} // namespace quant
