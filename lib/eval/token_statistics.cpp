#include "eval/token_statistics.h"

#include "kernel/ops.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace quant {

Estimate estimate(std::span<const double> values) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    if (values.empty()) return {nan, nan};
    const auto n = static_cast<double>(values.size());
    double sum = 0;
    for (const double v : values) sum += v;
    const double mean = sum / n;
    double squares = 0;
    for (const double v : values) squares += (v - mean) * (v - mean);
    return {mean, n > 1 ? std::sqrt(squares / n / (n - 1)) : nan};
}

std::vector<double> block_means(std::span<const double> values, size_t length) {
    std::vector<double> means;
    for (size_t at = 0; at + length <= values.size(); at += length)
        means.push_back(estimate(values.subspan(at, length)).mean);
    return means;
}

Estimate share(uint64_t hits, uint64_t count) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    if (count == 0) return {nan, nan};
    const double p = static_cast<double>(hits) / static_cast<double>(count);
    return {p, count > 1 ? std::sqrt(p * (1 - p) / static_cast<double>(count - 1)) : nan};
}

double quantile(std::span<const double> sorted, double share) {
    if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
    const double at = share * static_cast<double>(sorted.size() - 1);
    const auto low = static_cast<size_t>(at);
    const size_t high = std::min(low + 1, sorted.size() - 1);
    const double part = at - static_cast<double>(low);
    return sorted[low] * (1 - part) + sorted[high] * part;
}

double quantile_error(std::span<const double> sorted, double share) {
    const double deviation = std::sqrt(share * (1 - share) / static_cast<double>(sorted.size()));
    if (sorted.empty() || share - deviation < 0 || share + deviation > 1) return std::numeric_limits<double>::quiet_NaN();
    return (quantile(sorted, share + deviation) - quantile(sorted, share - deviation)) / 2;
}

namespace {

// Of several that are equally likely, both sides take the first.
size_t first_equal(const float *values, float wanted, uint32_t count) {
    return static_cast<size_t>(std::find(values, values + count, wanted) - values);
}

} // namespace

TokenScore score_token(const float *logits, const BaseRow &base, uint32_t vocabulary, int32_t right) {
    const VectorOps &ops = vector_ops();
    TokenScore score{};
    if (!base.values) {
        score.log_probability = double{logits[right]} - ops.log_sum_exp(logits, vocabulary);
        score.base_log_probability = score.divergence = std::numeric_limits<double>::quiet_NaN();
        return score;
    }
    const float top = ops.maximum(logits, vocabulary), base_top = ops.maximum(base.values, vocabulary);
    const float base_shift = base.stored ? 0 : base_top;
    DivergenceSums sums;
    ops.divergence_sums(logits, top, base.values, base_shift, vocabulary, &sums);
    // With p = exp(b) / base_sum and q = exp(a) / sum, where a and b are shifted logits:
    // sum of p * (ln p - ln q) = weighted / base_sum - ln base_sum + ln sum. What was
    // stored are logarithms of probabilities already, although those kept may not add up to 1.
    const double log_sum = std::log(sums.sum);
    score.log_probability = double{logits[right]} - top - log_sum;
    if (base.stored) {
        score.base_log_probability = base.right;
        score.divergence = sums.weighted + sums.base_sum * log_sum;
    } else {
        const double base_log_sum = std::log(sums.base_sum);
        score.base_log_probability = double{base.values[right]} - base_top - base_log_sum;
        score.divergence = sums.weighted / sums.base_sum - base_log_sum + log_sum;
    }
    const size_t likeliest = first_equal(base.values, base_top, vocabulary);
    score.same_top = likeliest < vocabulary && logits[likeliest] == top &&
                     first_equal(logits, top, vocabulary) == likeliest;
    return score;
}

} // namespace quant
