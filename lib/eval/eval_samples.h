// The numbers of all scored tokens, in order, and what they amount to.
#pragma once

#include <quant/evaluate.h>

#include "eval/token_statistics.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quant {

struct EvalSamples {
    std::vector<double> loss; ///< -ln p of each right token.
    /// Against the base; empty without one. difference: ln of the base's p over the model's.
    std::vector<double> base_loss, difference, divergence, probability_change, squared_change;
    uint64_t same_top = 0;

    bool has_base() const { return !divergence.empty(); }
    void add(const TokenScore &score);
    /// Means so far, for progress.
    std::string running_values() const;
    /// The fields of the result that come from samples.
    void fill(quant_eval_result &result) const;
};

/// Two models on the same tokens, of which each chunk has `per_chunk`. Throws nothing.
quant_comparison compare_samples(const EvalSamples &model, const EvalSamples &against, uint32_t per_chunk);

} // namespace quant
