// What is done to logits before any token is chosen or dropped: biases, then penalties, then the filter.
#pragma once

#include <quant/session.h>

#include <cstdint>
#include <span>
#include <vector>

namespace quant {

/// Which tokens may come: bit id % 64 of word id / 64. Empty: all; tokens beyond its end may not.
using TokenFilter = std::span<const uint64_t>;

/// One thread at a time. Holds nothing from one token to the next.
class LogitEdits {
public:
    /// Copies the biases. `sampling` has passed check_sampling().
    explicit LogitEdits(const quant_sampling &sampling);

    /// `logits` themselves where there is nothing to do, else a copy, which is good until the next call.
    /// `recent`: of the vocabulary; its last repeat_last_n are penalized.
    std::span<const float> apply(std::span<const float> logits, std::span<const int32_t> recent, TokenFilter allowed);

private:
    bool penalizes() const;
    void add_biases();
    void penalize(std::span<const int32_t> recent);
    void filter(TokenFilter allowed);

    quant_sampling sampling_;
    std::vector<quant_logit_bias> biases_;
    std::vector<float> row_;
    std::vector<uint32_t> counts_; ///< By token; 0 between calls, so that it need not be cleared.
};

} // namespace quant
