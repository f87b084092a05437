// What one scored token says about a model and its base, and what many say together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace quant {

/// Mean and standard error of a sample.
struct Estimate {
    double mean, standard_error;
};
Estimate estimate(std::span<const double> values);

/// The value below which a share of `sorted` lies, interpolated between neighbours.
double quantile(std::span<const double> sorted, double share);

/// One token's comparison. Natural logarithms.
struct TokenScore {
    double log_probability;      ///< Of the right token.
    double base_log_probability; ///< NaN without a base.
    double divergence;           ///< KL(base || model) at this position; NaN without a base.
    bool same_top;               ///< Both find the same token likeliest.
};

/// `logits` and `base_logits` (nullptr: no base) have `vocabulary` entries; `right` is
/// the token that came next.
TokenScore score_token(const float *logits, const float *base_logits, uint32_t vocabulary, int32_t right);

} // namespace quant
