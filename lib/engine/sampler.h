// Choosing the next token from logits.
#pragma once

#include <quant/session.h>

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace quant {

quant_sampling default_sampling();

/// Throws Error (QUANT_ERR_ARGUMENT) naming a value that is out of range.
void check_sampling(const quant_sampling &sampling);

/// Penalty, then top-k, top-p and min-p on the likeliest candidates, then temperature
/// and a draw. The same seed and logits give the same tokens on every machine: the
/// generator is a fixed one and the draw uses no library distribution.
class Sampler {
public:
    /// `sampling` has passed check_sampling(). A seed of 0 draws one.
    explicit Sampler(const quant_sampling &sampling);

    uint64_t seed() const { return seed_; }
    /// `recent`: the sequence so far, of which the last repeat_last_n are penalized.
    int32_t choose(std::span<const float> logits, std::span<const int32_t> recent);

private:
    struct Candidate {
        int32_t id;
        float logit;
        float probability;
    };
    void penalize(std::span<const int32_t> recent);
    void keep_top_k();
    void keep_likely();
    int32_t draw();

    quant_sampling sampling_;
    uint64_t seed_;
    std::mt19937_64 random_;
    std::vector<Candidate> candidates_;
};

} // namespace quant
