#include "engine/logit_edits.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace quant {

namespace {

/// The bias at which a token is not merely unlikely, but out.
constexpr float forbidding = -100;

constexpr size_t word_bits = 64;

uint64_t word_of(TokenFilter allowed, size_t index) { return index < allowed.size() ? allowed[index] : 0; }

} // namespace

LogitEdits::LogitEdits(const quant_sampling &sampling)
    : sampling_(sampling),
      biases_(sampling.logit_bias, sampling.logit_bias + sampling.logit_bias_count) {}

bool LogitEdits::penalizes() const {
    return sampling_.repeat_last_n != 0 &&
           (sampling_.repeat_penalty != 1 || sampling_.presence_penalty != 0 || sampling_.frequency_penalty != 0);
}

std::span<const float> LogitEdits::apply(std::span<const float> logits, std::span<const int32_t> recent,
                                         TokenFilter allowed) {
    recent = recent.last(std::min<size_t>(sampling_.repeat_last_n, recent.size()));
    const bool penalties = penalizes() && !recent.empty();
    if (biases_.empty() && !penalties && allowed.empty()) return logits;
    row_.assign(logits.begin(), logits.end());
    add_biases();
    if (penalties) penalize(recent);
    if (!allowed.empty()) filter(allowed);
    return row_;
}

void LogitEdits::add_biases() {
    for (const quant_logit_bias &b : biases_)
        row_[static_cast<size_t>(b.token)] += b.bias <= forbidding ? -INFINITY : b.bias;
}

// Each token once, as often as it may have come.
void LogitEdits::penalize(std::span<const int32_t> recent) {
    counts_.resize(row_.size());
    for (const int32_t id : recent) counts_[static_cast<size_t>(id)]++;
    for (const int32_t id : recent) {
        uint32_t &count = counts_[static_cast<size_t>(id)];
        if (count == 0) continue; // It was met before.
        float &logit = row_[static_cast<size_t>(id)];
        logit = logit > 0 ? logit / sampling_.repeat_penalty : logit * sampling_.repeat_penalty;
        logit -= sampling_.presence_penalty + static_cast<float>(count) * sampling_.frequency_penalty;
        count = 0;
    }
}

// Words of a grammar's sets are mostly all ones or all zeros: only what differs is touched bit by bit.
void LogitEdits::filter(TokenFilter allowed) {
    for (size_t begin = 0; begin < row_.size(); begin += word_bits) {
        const size_t count = std::min(word_bits, row_.size() - begin);
        const uint64_t within = count == word_bits ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
        uint64_t out = ~word_of(allowed, begin / word_bits) & within;
        if (out == within) {
            std::fill_n(row_.begin() + static_cast<ptrdiff_t>(begin), count, -INFINITY);
            continue;
        }
        for (; out != 0; out &= out - 1) row_[begin + static_cast<size_t>(std::countr_zero(out))] = -INFINITY;
    }
}

} // namespace quant
