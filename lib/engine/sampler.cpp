#include "engine/sampler.h"

#include "base/error.h"
#include "kernel/ops.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace quant {

namespace {

/// How far below the likeliest logit candidates are looked for first, where their number is not given, in units of
/// the temperature; then by `deeper` further, which sorts few in vain, as there are more and more. After so many
/// steps, e^-58, what is left is next to nothing.
constexpr float first_depth = 4, deeper = 1.25f, no_end = std::numeric_limits<float>::infinity();
constexpr int most_steps = 13;

/// Calls look(depth) with growing depths until it is satisfied; `to` comes last.
template <class Look> void deeper_and_deeper(float from, float to, Look look) {
    for (int step = 0; step < most_steps && from < to; step++, from *= deeper)
        if (look(from)) return;
    look(to);
}

uint64_t seed_or_random(uint64_t seed) {
    if (seed != 0) return seed;
    std::random_device device;
    return (uint64_t{device()} << 32 | device()) | 1;
}

} // namespace

Sampler::Sampler(const quant_sampling &sampling)
    : sampling_(sampling),
      seed_(seed_or_random(sampling.seed)),
      random_(seed_),
      edits_(sampling),
      mirostat_(sampling.mirostat_tau, sampling.mirostat_eta) {}

int32_t Sampler::choose(std::span<const float> logits, std::span<const int32_t> recent, TokenFilter allowed) {
    row_ = edits_.apply(logits, recent, allowed);
    ranking_.begin(row_);
    if (ranking_.top() == -INFINITY)
        fail(QUANT_ERR_ARGUMENT, "no token can come next: of {} tokens, all are forbidden or have no finite logit",
             logits.size());
    // Beside a logit of infinity nothing counts, and it would make differences of logits no numbers.
    if (sampling_.temperature == 0 || ranking_.top() == INFINITY) return ranking_.likeliest();
    if (sampling_.mirostat != 0) {
        const Drawn drawn = with_mirostat();
        mirostat_.drawn(drawn.probability);
        return drawn.id;
    }
    const bool limited = sampling_.top_k != 0 && sampling_.top_k < row_.size();
    const bool typical = sampling_.typical_p < 1;
    if (!limited && !typical) {
        if (sampling_.top_p == 1 && sampling_.min_p == 0) return draw_of_all(no_end).id;
        keep_likely_of_all();
        return draw().id;
    }
    if (limited)
        ranking_.first(sampling_.top_k, candidates_);
    else
        ranking_.all(candidates_);
    if (typical) keep_typical();
    keep_likely();
    return draw().id;
}

// Locally typical sampling (Meister et al. 2022): those whose surprise is nearest to the expected one.
void Sampler::keep_typical() {
    double sum = 0, weighted = 0;
    for (Candidate &c : candidates_) {
        sum += c.probability = std::exp(c.logit - ranking_.top());
        weighted += double{c.probability} * c.logit;
    }
    // A token's surprise is log(sum) + top - logit, so that the nearest to the mean of the logits are the typical.
    const double center = weighted / sum;
    const auto more_typical = [&](const Candidate &a, const Candidate &b) {
        const double x = std::fabs(a.logit - center), y = std::fabs(b.logit - center);
        return x != y ? x < y : likelier(a, b);
    };
    double reached = 0;
    size_t keep = 0, sorted = 0;
    while (keep < candidates_.size() && reached < sampling_.typical_p * sum) {
        if (keep == sorted) { // In stretches, as few are wanted most of the time.
            sorted = std::min(candidates_.size(), 8 * sorted + 64);
            std::partial_sort(candidates_.begin() + static_cast<ptrdiff_t>(keep),
                              candidates_.begin() + static_cast<ptrdiff_t>(sorted), candidates_.end(), more_typical);
        }
        reached += candidates_[keep++].probability;
    }
    candidates_.resize(keep);
    std::sort(candidates_.begin(), candidates_.end(), likelier);
}

// top-p and min-p, on the probabilities at temperature 1.
void Sampler::keep_likely() {
    double sum = 0;
    for (Candidate &c : candidates_) sum += c.probability = std::exp(c.logit - candidates_[0].logit);
    cut(sum);
}

// The same where the candidates are the head of all tokens, as deep as it takes.
void Sampler::keep_likely_of_all() {
    const float top = ranking_.top();
    const double sum = mass_of_all(1, no_end);
    // A little deeper than min_p, which makes the cut where rounding has it.
    const float enough = sampling_.min_p > 0 ? 0.01f - std::log(sampling_.min_p) : no_end;
    deeper_and_deeper(first_depth, enough, [&](float depth) {
        ranking_.down_to(top - depth, candidates_);
        for (Candidate &c : candidates_) c.probability = std::exp(c.logit - top);
        return cut(sum);
    });
}

/// Drops what is behind the first candidate that top-p or min-p, of probabilities with that sum, stops at. Whether
/// there was one.
bool Sampler::cut(double sum) {
    double reached = 0;
    for (size_t i = 0; i < candidates_.size(); i++) {
        const float p = candidates_[i].probability;
        if (i > 0 && (p < sampling_.min_p || reached >= sampling_.top_p * sum)) {
            candidates_.resize(i);
            return true;
        }
        reached += p;
    }
    return false;
}

Sampler::Drawn Sampler::with_mirostat() {
    const double temperature = sampling_.temperature;
    if (sampling_.mirostat == 1) {
        ranking_.first(Mirostat::looked_at, candidates_);
        const size_t keep = mirostat_.kept(candidates_, temperature, row_.size());
        if (keep == row_.size()) return draw_of_all(no_end);
        ranking_.first(keep, candidates_);
        return draw();
    }
    const double log_of_sum = std::log(mass_of_all(sampling_.temperature, no_end)); // Over the likeliest's.
    const double depth = temperature * std::max(0.0, mirostat_.most_bits() * std::log(2.0) - log_of_sum);
    return draw_of_all(static_cast<float>(depth));
}

Sampler::Drawn Sampler::draw() {
    const float top = candidates_[0].logit;
    double sum = 0;
    for (Candidate &c : candidates_) sum += c.probability = std::exp((c.logit - top) / sampling_.temperature);
    double left = uniform() * sum;
    const Candidate *last = &candidates_[0]; // Rounding may leave something over.
    for (const Candidate &c : candidates_) {
        if (c.probability > 0) last = &c;
        left -= c.probability;
        if (left < 0) break;
    }
    return {last->id, last->probability / sum};
}

// draw() where candidates are all tokens down to a depth: their sum comes from one pass, and most draws end in the
// head of them.
Sampler::Drawn Sampler::draw_of_all(float most_depth) {
    const float top = ranking_.top(), temperature = sampling_.temperature;
    const double sum = mass_of_all(temperature, most_depth), target = uniform() * sum;
    Drawn drawn{ranking_.likeliest(), 1 / sum};
    deeper_and_deeper(first_depth * temperature, most_depth, [&](float depth) {
        ranking_.down_to(top - depth, candidates_);
        double left = target;
        for (const Candidate &c : candidates_) {
            const float p = std::exp((c.logit - top) / temperature);
            if (p > 0) drawn = {c.id, p / sum};
            left -= p;
            if (left < 0) return true;
        }
        return false;
    });
    return drawn;
}

/// 53 random bits in [0, 1).
double Sampler::uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

/// The sum of exp((logit - top) / temperature) of all tokens down to a depth.
double Sampler::mass_of_all(float temperature, float depth) {
    const float top = ranking_.top(), least = -depth / temperature;
    // Rounding is least near 0, where the result is.
    scaled_.resize(row_.size());
    for (size_t i = 0; i < row_.size(); i++) {
        const float scaled = (row_[i] - top) / temperature;
        scaled_[i] = scaled >= least ? scaled : -INFINITY; // Also where it is no number.
    }
    return std::exp(double{vector_ops().log_sum_exp(scaled_.data(), scaled_.size())});
}

} // namespace quant
