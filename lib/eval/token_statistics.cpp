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

double quantile(std::span<const double> sorted, double share) {
    if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
    const double at = share * static_cast<double>(sorted.size() - 1);
    const auto low = static_cast<size_t>(at);
    const size_t high = std::min(low + 1, sorted.size() - 1);
    const double part = at - static_cast<double>(low);
    return sorted[low] * (1 - part) + sorted[high] * part;
}

TokenScore score_token(const float *logits, const float *base_logits, uint32_t vocabulary, int32_t right) {
    const VectorOps &ops = vector_ops();
    const float sum = ops.log_sum_exp(logits, vocabulary);
    TokenScore score{};
    score.log_probability = double{logits[right]} - sum;
    score.base_log_probability = score.divergence = std::numeric_limits<double>::quiet_NaN();
    if (!base_logits) return score;
    const float base_sum = ops.log_sum_exp(base_logits, vocabulary);
    score.base_log_probability = double{base_logits[right]} - base_sum;
    score.same_top = std::max_element(logits, logits + vocabulary) - logits ==
                     std::max_element(base_logits, base_logits + vocabulary) - base_logits;
    double divergence = 0;
    for (uint32_t i = 0; i < vocabulary; i++) {
        const float base_log = base_logits[i] - base_sum;
        if (base_log > -40) divergence += double{std::exp(base_log)} * (base_log - (logits[i] - sum));
    }
    score.divergence = divergence;
    return score;
}

} // namespace quant
