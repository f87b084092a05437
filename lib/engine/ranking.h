// The likeliest tokens of a row of logits, without sorting a vocabulary.
//
// The row is read once, which gives the largest logit of each block of 128. The k-th largest of these is a bound
// that at least k logits reach, so that only blocks which reach it are looked at again: for the usual 40 of 150,000
// that is a few thousand logits. What comes out is in one order, whatever the machine: likeliest first, then by id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quant {

struct Candidate {
    int32_t id;
    float logit;
    float probability; ///< Up to a factor; what it counts is its user's business.
};

/// The order of candidates.
inline bool likelier(const Candidate &a, const Candidate &b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

/// Logits of -infinity, and those that are no numbers, belong to tokens that are impossible, which never come out.
/// One thread at a time.
class Ranking {
public:
    /// `logits` are borrowed until the next call.
    void begin(std::span<const float> logits);

    /// The largest logit; -infinity where no token is possible.
    float top() const { return top_; }
    /// The first token that has it; there must be a possible one.
    int32_t likeliest() const;
    /// The `count` likeliest, in order; fewer where fewer are possible.
    void first(size_t count, std::vector<Candidate> &out) const;
    /// All with a logit of at least `least`, in order.
    void down_to(float least, std::vector<Candidate> &out) const;
    /// All that are possible, by id.
    void all(std::vector<Candidate> &out) const { collect(lowest(), out); }

private:
    static float lowest();
    float bound_of(size_t count) const;
    void collect(float least, std::vector<Candidate> &out) const;

    std::span<const float> logits_;
    std::vector<float> block_tops_;
    float top_ = 0;
};

} // namespace quant
