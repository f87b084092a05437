// Mirostat (Basu et al. 2021): keep as many tokens as make the text surprise by tau bits a token, by feedback from
// what was drawn.
#pragma once

#include "engine/ranking.h"

#include <cstddef>
#include <span>

namespace quant {

/// Advances with each token that is chosen, so that it must see each of them, and nothing else, once.
class Mirostat {
public:
    Mirostat(double tau, double eta) : tau_(tau), eta_(eta), most_(2 * tau) {}

    /// Version 1 looks at so many of the likeliest tokens to see how fast probabilities fall.
    static constexpr size_t looked_at = 100;
    /// Version 1: how many of `vocabulary` tokens to keep, at least 1. `likeliest`: looked_at of them, in order;
    /// their logits are divided by `temperature`.
    size_t kept(std::span<const Candidate> likeliest, double temperature, size_t vocabulary) const;

    /// Version 2: tokens that would surprise by more bits are dropped. It may be less than 0.
    double most_bits() const { return most_; }

    /// A token of that probability, among those kept, was drawn.
    void drawn(double probability);

private:
    double tau_, eta_;
    double most_; ///< The paper's mu, in bits.
};

} // namespace quant
