#include "model/expert_routes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quant {

std::vector<ExpertTokens> route_tokens(std::span<const float> logits, size_t tokens, size_t experts, size_t used,
                                       bool sum_to_one) {
    std::vector<ExpertTokens> out(experts);
    std::vector<uint32_t> order(experts);
    for (size_t t = 0; t < tokens; t++) {
        const float *row = logits.data() + t * experts;
        std::iota(order.begin(), order.end(), 0u);
        // A logit that is not a number comes last, so that the order stays one.
        const auto key = [&](uint32_t e) { return std::isnan(row[e]) ? -INFINITY : row[e]; };
        std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return key(a) > key(b); });
        const float most = row[order[0]];
        float sum = 0;
        for (size_t i = 0; i < (sum_to_one ? used : experts); i++) sum += std::exp(row[order[i]] - most);
        for (size_t i = 0; i < used; i++) {
            ExpertTokens &expert = out[order[i]];
            expert.tokens.push_back(static_cast<uint32_t>(t));
            expert.weights.push_back(std::exp(row[order[i]] - most) / sum);
        }
    }
    return out;
}

} // namespace quant
