#include "model/expert_routes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quant {

namespace {

/// The order of one token's experts, and what weighs them.
class TokenRouter {
public:
    TokenRouter(const ExpertRouting &routing, std::span<const float> bias)
        : r_(routing), bias_(bias), order_(routing.experts), choice_(routing.experts), group_order_(routing.groups),
          group_score_(routing.groups) {}

    void route(const float *logits, uint32_t token, std::vector<ExpertTokens> &out) {
        for (uint32_t e = 0; e < r_.experts; e++) choice_[e] = choice(logits[e], e);
        if (r_.groups > 1) leave_best_groups();
        rank(choice_, order_);
        if (r_.sigmoid) weigh_sigmoids(logits, token, out);
        else weigh_softmax(logits, token, out);
    }

private:
    static float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

    // Logits are in the order of their softmax.
    float choice(float logit, uint32_t expert) const {
        if (std::isnan(logit)) return -INFINITY; // Comes last, so that the order stays one.
        const float score = r_.sigmoid ? sigmoid(logit) : logit;
        return bias_.empty() ? score : score + bias_[expert];
    }

    static void rank(const std::vector<float> &by, std::vector<uint32_t> &order) {
        std::iota(order.begin(), order.end(), 0u);
        std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return by[a] > by[b]; });
    }

    void leave_best_groups() {
        const uint32_t size = r_.experts / r_.groups;
        for (uint32_t g = 0; g < r_.groups; g++) {
            float best = -INFINITY, second = -INFINITY;
            for (uint32_t e = g * size; e < (g + 1) * size; e++) {
                second = std::max(second, std::min(best, choice_[e]));
                best = std::max(best, choice_[e]);
            }
            group_score_[g] = bias_.empty() || size == 1 ? best : best + second;
        }
        rank(group_score_, group_order_);
        for (uint32_t i = r_.groups_used; i < r_.groups; i++)
            std::fill_n(choice_.begin() + group_order_[i] * size, size, -INFINITY);
    }

    void take(uint32_t expert, uint32_t token, float weight, std::vector<ExpertTokens> &out) const {
        out[expert].tokens.push_back(token);
        out[expert].weights.push_back(r_.scale * weight);
    }

    void weigh_sigmoids(const float *logits, uint32_t token, std::vector<ExpertTokens> &out) const {
        float sum = r_.sum_to_one ? 1e-20f : 1; // As the published code: where all are 0 they stay so.
        for (uint32_t i = 0; r_.sum_to_one && i < r_.used; i++) sum += sigmoid(logits[order_[i]]);
        for (uint32_t i = 0; i < r_.used; i++) take(order_[i], token, sigmoid(logits[order_[i]]) / sum, out);
    }

    void weigh_softmax(const float *logits, uint32_t token, std::vector<ExpertTokens> &out) const {
        float most = logits[order_[0]], sum = 0;
        for (uint32_t e = 0; !r_.sum_to_one && e < r_.experts; e++) most = std::max(most, logits[e]);
        for (uint32_t i = 0; i < (r_.sum_to_one ? r_.used : r_.experts); i++) sum += std::exp(logits[order_[i]] - most);
        for (uint32_t i = 0; i < r_.used; i++) take(order_[i], token, std::exp(logits[order_[i]] - most) / sum, out);
    }

    const ExpertRouting &r_;
    std::span<const float> bias_;
    std::vector<uint32_t> order_;
    std::vector<float> choice_;
    std::vector<uint32_t> group_order_;
    std::vector<float> group_score_;
};

} // namespace

std::vector<ExpertTokens> route_tokens(std::span<const float> logits, size_t tokens, const ExpertRouting &routing,
                                       std::span<const float> bias) {
    std::vector<ExpertTokens> out(routing.experts);
    TokenRouter router(routing, bias);
    for (size_t t = 0; t < tokens; t++)
        router.route(logits.data() + t * routing.experts, static_cast<uint32_t>(t), out);
    return out;
}

} // namespace quant
