// How much of a model's divergence each of its matrices is worth: the KL divergence when
// that matrix alone is coarse, divided by how coarse it is. For small errors divergences
// of matrices add up (arXiv 2411.17525), so a planner can predict any mixture.
#pragma once

#include "base/progress.h"
#include "model/model.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace quant {

struct Sensitivity {
    std::string tensor;     ///< GGUF name.
    double kld_per_error;   ///< Nats a token for a relative squared error of 1, extrapolated.
    double probe_kld;       ///< What was measured.
};

struct Sensitivities {
    std::vector<Sensitivity> matrices;
    double activation_kld = 0; ///< Of rounding all activations to 8 bits, no matrix being coarse.
};

/// Of every matrix, over `sequences`, of each of which the second half is scored. The
/// probe is Q3_K, or Q4_0 where rows are no multiple of 256. Throws Error (CANCELLED).
Sensitivities measure_sensitivities(const std::shared_ptr<const Model> &model,
                                               std::span<const std::vector<int32_t>> sequences, Progress &progress);

/// Sum of (x - y)² over sum of x², for rows of weights and what an encoding makes of
/// them with method SEARCH; on at most `most_rows` rows, evenly spaced.
double relative_error(const ModelFile &file, const ModelTensor &tensor, const EncodingTraits &encoding,
                      uint64_t most_rows);

} // namespace quant
