// Which experts of a mixture each token goes to, and with what weight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quant {

/// How a router's logits become choices and weights.
struct ExpertRouting {
    uint32_t experts = 0, used = 0; ///< Of a layer, and of those for each token; 0: no mixture.
    bool sigmoid = false;           ///< Scores are 1 / (1 + exp(-logit)); else the softmax over all experts.
    bool sum_to_one = true;         ///< Weights are divided by the sum of those used.
    float scale = 1;                ///< Of weights.
    /// Experts are in so many groups, as many one after the other in each, and only those of the best `groups_used` are
    /// chosen. A group counts by its two best experts where there is a bias, else by its best.
    uint32_t groups = 1, groups_used = 1;
};

/// The tokens of one expert and their weights there; tokens ascend.
struct ExpertTokens {
    std::vector<uint32_t> tokens;
    std::vector<float> weights;
};

/// For each expert its tokens. `logits` are tokens x experts, the router's. A token goes to
/// the experts of the largest scores (Mixtral, arXiv 2401.04088), `bias` added where it is not empty (DeepSeek-V3, arXiv
/// 2412.19437); of equal ones to the first. Weights are made of scores without the bias.
std::vector<ExpertTokens> route_tokens(std::span<const float> logits, size_t tokens, const ExpertRouting &routing,
                                       std::span<const float> bias = {});

} // namespace quant
