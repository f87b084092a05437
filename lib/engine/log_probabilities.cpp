#include "engine/log_probabilities.h"

#include "base/error.h"
#include "engine/ranking.h"
#include "kernel/ops.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

/// Where a logit is no number, the token is impossible; the others' sum is still one.
double log_of_sum(std::span<const float> logits) {
    const auto log_sum_exp = vector_ops().log_sum_exp;
    const float sum = log_sum_exp(logits.data(), logits.size());
    if (!std::isnan(sum)) return sum;
    std::vector<float> numbers(logits.begin(), logits.end());
    std::replace_if(
        numbers.begin(), numbers.end(), [](float l) { return std::isnan(l); }, -INFINITY);
    return log_sum_exp(numbers.data(), numbers.size());
}

} // namespace

LogProbabilities log_probabilities(std::span<const float> logits, int32_t chosen, size_t top) {
    if (chosen < 0 || static_cast<size_t>(chosen) >= logits.size())
        fail(QUANT_ERR_ARGUMENT, "log-probability of token {}: expected a token of the vocabulary of {}", chosen,
             logits.size());
    if (top > most_top_tokens) fail(QUANT_ERR_ARGUMENT, "{} top tokens: expected at most {}", top, most_top_tokens);
    const double sum = log_of_sum(logits);
    if (!std::isfinite(sum))
        fail(QUANT_ERR_ARGUMENT, "there are no log-probabilities: no token has a finite logit, or one is infinite");
    const auto of = [&](int32_t id, float logit) {
        return TokenLogProbability{id, std::isnan(logit) ? -INFINITY : double{logit} - sum};
    };
    LogProbabilities out{of(chosen, logits[static_cast<size_t>(chosen)]), {}};
    Ranking ranking;
    std::vector<Candidate> likeliest;
    ranking.begin(logits);
    ranking.first(top, likeliest);
    for (const Candidate &c : likeliest) out.top.push_back(of(c.id, c.logit));
    return out;
}

} // namespace quant
