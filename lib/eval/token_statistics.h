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

/// Means of each `length` values in a row, of which `values` has a whole number.
std::vector<double> block_means(std::span<const double> values, size_t length);

/// A share of `count` trials and its binomial standard error.
Estimate share(uint64_t hits, uint64_t count);

/// The value below which a share of `sorted` lies, interpolated between neighbours.
double quantile(std::span<const double> sorted, double share);

/// Its standard error: half the distance of the quantiles one binomial standard deviation
/// of the rank to either side. NaN where there are none.
double quantile_error(std::span<const double> sorted, double share);

/// One token's comparison. Natural logarithms.
struct TokenScore {
    double log_probability;      ///< Of the right token.
    double base_log_probability; ///< NaN without a base.
    double divergence;           ///< KL(base || model) at this position; NaN without a base.
    bool same_top;               ///< Both find the same token likeliest.
};

/// What a model's logits are compared with at one position.
struct BaseRow {
    const float *values = nullptr; ///< Logits of the vocabulary; nullptr: there is no base.
    /// The values are log-probabilities that were stored: they are taken as they are, and
    /// those of `untold` or less count as probability 0.
    bool stored = false;
    double right = 0; ///< Stored: log-probability of the right token.
};

/// Stands for the logarithm of a probability too small to have been stored: nothing in any
/// sum, but one whose exp is no subnormal float, which would take the CPU longer.
inline constexpr float untold = -80;

/// `logits` has `vocabulary` entries; `right` is the token that came next. Results are
/// not finite where logits are not.
TokenScore score_token(const float *logits, const BaseRow &base, uint32_t vocabulary, int32_t right);

} // namespace quant
