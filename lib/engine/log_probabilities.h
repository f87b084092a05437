// How likely the model thought a token: what the APIs report as logprobs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quant {

struct TokenLogProbability {
    int32_t id;
    double log_probability; ///< Natural; -infinity for an impossible token.
};

struct LogProbabilities {
    TokenLogProbability chosen;
    std::vector<TokenLogProbability> top; ///< Likeliest first, of equals the lower id; `chosen` may be among them.
};

/// The APIs' most.
inline constexpr size_t most_top_tokens = 20;

/// Of the model's own distribution: the softmax of its logits as they are, at temperature 1, before biases, penalties,
/// filters and all that keeps few tokens, so that numbers compare between requests, whatever these ask for. Throws
/// Error (QUANT_ERR_ARGUMENT): `chosen` is outside the row, `top` over most_top_tokens, or no token
/// is possible.
LogProbabilities log_probabilities(std::span<const float> logits, int32_t chosen, size_t top);

} // namespace quant
