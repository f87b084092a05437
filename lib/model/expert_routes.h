// Which experts of a mixture each token goes to, and with what weight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quant {

/// The tokens of one expert and their weights there; tokens ascend.
struct ExpertTokens {
    std::vector<uint32_t> tokens;
    std::vector<float> weights;
};

/// For each expert its tokens. `logits` are tokens x experts, the router's. A token goes to
/// the `used` experts of the largest logits, of equal ones to the first; its weights are the
/// softmax over all experts, divided by the sum of those used where `sum_to_one` (Mixtral,
/// arXiv 2401.04088).
std::vector<ExpertTokens> route_tokens(std::span<const float> logits, size_t tokens, size_t experts, size_t used,
                                       bool sum_to_one);

} // namespace quant
