// Choosing the next token from logits.
//
// The steps, in the order that quant_sampling promises: LogitEdits (biases, penalties, a filter), then on the
// likeliest candidates top-k, typical, top-p and min-p, or mirostat in their place, then temperature and a draw.
// Candidates are kept in Ranking's order, and no step looks at all of a vocabulary where its head tells enough.
#pragma once

#include "engine/logit_edits.h"
#include "engine/mirostat.h"
#include "engine/ranking.h"
#include "engine/sampling.h"

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace quant {

/// The same seed and logits give the same tokens on every machine: the generator is a fixed one and the draw uses
/// no library distribution. One thread at a time.
class Sampler {
public:
    /// `sampling` has passed check_sampling(); what it points to is copied. A seed of 0 draws one.
    explicit Sampler(const quant_sampling &sampling);

    uint64_t seed() const { return seed_; }

    /// The next token, to be called once for each token that becomes part of the sequence: mirostat and the
    /// generator go on from one to the next. `recent`: the sequence so far, of which the last repeat_last_n are
    /// penalized. Throws Error (QUANT_ERR_ARGUMENT): no token is left that may come.
    int32_t choose(std::span<const float> logits, std::span<const int32_t> recent, TokenFilter allowed = {});

private:
    struct Drawn {
        int32_t id;
        double probability;
    };
    void keep_typical();
    void keep_likely();
    bool cut(double sum);
    void keep_likely_of_all();
    Drawn with_mirostat();
    Drawn draw();
    Drawn draw_of_all(float most_depth);
    double uniform();
    double mass_of_all(float temperature, float depth);

    quant_sampling sampling_;
    uint64_t seed_;
    std::mt19937_64 random_;
    LogitEdits edits_;
    Mirostat mirostat_;
    Ranking ranking_;
    std::span<const float> row_; ///< The logits of this token, edited.
    std::vector<Candidate> candidates_;
    std::vector<float> scaled_;
};

} // namespace quant
