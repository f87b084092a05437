#include "engine/sampler.h"

#include "base/error.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace quant {

namespace {

void require(bool good, const char *name, double value, const char *expected) {
    if (!good) fail(QUANT_ERR_ARGUMENT, "{} is {}; expected {}", name, value, expected);
}

uint64_t seed_or_random(uint64_t seed) {
    if (seed != 0) return seed;
    std::random_device device;
    return (uint64_t{device()} << 32 | device()) | 1;
}

} // namespace

quant_sampling default_sampling() {
    quant_sampling s{};
    s.size = sizeof s;
    s.temperature = 0.8f;
    s.top_k = 40;
    s.top_p = 0.95f;
    s.min_p = 0.05f;
    s.repeat_penalty = 1;
    s.repeat_last_n = 64;
    return s;
}

void check_sampling(const quant_sampling &s) {
    require(s.temperature >= 0 && s.temperature <= 100, "temperature", s.temperature, "0 to 100");
    require(s.top_p > 0 && s.top_p <= 1, "top_p", s.top_p, "over 0, to 1");
    require(s.min_p >= 0 && s.min_p <= 1, "min_p", s.min_p, "0 to 1");
    require(s.repeat_penalty > 0 && s.repeat_penalty <= 100, "repeat_penalty", s.repeat_penalty, "over 0, to 100");
}

Sampler::Sampler(const quant_sampling &sampling)
    : sampling_(sampling), seed_(seed_or_random(sampling.seed)), random_(seed_) {}

int32_t Sampler::choose(std::span<const float> logits, std::span<const int32_t> recent) {
    candidates_.resize(logits.size());
    for (size_t i = 0; i < logits.size(); i++) {
        // NaN sorts nowhere: treat it as impossible.
        const float logit = std::isnan(logits[i]) ? -INFINITY : logits[i];
        candidates_[i] = {static_cast<int32_t>(i), logit, 0};
    }
    penalize(recent);
    if (sampling_.temperature == 0)
        return std::max_element(candidates_.begin(), candidates_.end(), [](const Candidate &a, const Candidate &b) {
                   return a.logit < b.logit;
               })->id;
    keep_top_k();
    keep_likely();
    return draw();
}

void Sampler::penalize(std::span<const int32_t> recent) {
    if (sampling_.repeat_penalty == 1) return;
    const size_t count = std::min<size_t>(sampling_.repeat_last_n, recent.size());
    const std::unordered_set<int32_t> ids(recent.end() - static_cast<ptrdiff_t>(count), recent.end());
    for (const int32_t id : ids) {
        float &logit = candidates_[static_cast<size_t>(id)].logit;
        logit = logit > 0 ? logit / sampling_.repeat_penalty : logit * sampling_.repeat_penalty;
    }
}

// Leaves the candidates sorted, likeliest first; ties by id, so that the order is
// the same everywhere.
void Sampler::keep_top_k() {
    const size_t k = sampling_.top_k == 0 ? candidates_.size() : std::min<size_t>(sampling_.top_k, candidates_.size());
    const auto likelier = [](const Candidate &a, const Candidate &b) {
        return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
    };
    std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<ptrdiff_t>(k), candidates_.end(), likelier);
    candidates_.resize(k);
}

// top-p and min-p, on the probabilities at temperature 1.
void Sampler::keep_likely() {
    const float top = candidates_[0].logit;
    double sum = 0;
    for (Candidate &c : candidates_) sum += c.probability = std::exp(c.logit - top);
    double reached = 0;
    size_t keep = 0;
    while (keep < candidates_.size()) {
        const float p = candidates_[keep].probability;
        if (keep > 0 && (p < sampling_.min_p || reached >= sampling_.top_p * sum)) break;
        reached += p;
        keep++;
    }
    candidates_.resize(keep);
}

int32_t Sampler::draw() {
    const float top = candidates_[0].logit;
    double sum = 0;
    for (Candidate &c : candidates_) sum += c.probability = std::exp((c.logit - top) / sampling_.temperature);
    // 53 random bits in [0, 1).
    double left = static_cast<double>(random_() >> 11) * 0x1p-53 * sum;
    for (const Candidate &c : candidates_) {
        left -= c.probability;
        if (left < 0) return c.id;
    }
    return candidates_.back().id;
}

} // namespace quant
