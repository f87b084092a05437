// Lagrange: for a price of bytes each matrix takes the candidate of least divergence plus
// price; the price is found by bisection, and what it leaves of the budget is spent on
// the upgrades that bring most for a byte.
#include "quantize/budget.h"

#include "base/error.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace quant {

namespace {

constexpr int bisection_steps = 100;
constexpr double highest_price = 1e6, lowest_price = 1e-24; // Nats for a byte.

void choose_at(std::vector<Choice> &choices, double price) {
    for (Choice &c : choices) {
        const auto cost = [&](const Candidate &k) { return k.kld + price * static_cast<double>(k.bytes); };
        const auto best = std::min_element(c.candidates.begin(), c.candidates.end(),
                                           [&](const Candidate &a, const Candidate &b) { return cost(a) < cost(b); });
        c.chosen = static_cast<size_t>(best - c.candidates.begin());
    }
}

void choose_smallest(std::vector<Choice> &choices) {
    for (Choice &c : choices) {
        const auto best = std::min_element(c.candidates.begin(), c.candidates.end(),
                                           [](const Candidate &a, const Candidate &b) { return a.bytes < b.bytes; });
        c.chosen = static_cast<size_t>(best - c.candidates.begin());
    }
}

// Upgrades that still fit, the best for a byte first.
void spend(std::vector<Choice> &choices, uint64_t left) {
    for (;;) {
        Choice *best = nullptr;
        size_t to = 0;
        double most = 0;
        for (Choice &c : choices)
            for (size_t k = 0; k < c.candidates.size(); k++) {
                const Candidate &now = c.candidates[c.chosen], &then = c.candidates[k];
                if (then.kld >= now.kld || then.bytes > now.bytes + left) continue;
                // One that costs nothing is taken at once.
                const double more = then.bytes > now.bytes ? static_cast<double>(then.bytes - now.bytes) : 1e-3;
                if ((now.kld - then.kld) / more > most) most = (now.kld - then.kld) / more, best = &c, to = k;
            }
        if (!best) return;
        left = left + best->candidates[best->chosen].bytes - best->candidates[to].bytes;
        best->chosen = to;
    }
}

// The lowest price at which `fits` holds, bytes falling as the price rises.
template <class Fits>
bool bisect(std::vector<Choice> &choices, bool cheap_end, const Fits &fits) {
    double low = std::log(lowest_price), high = std::log(highest_price);
    for (int i = 0; i < bisection_steps; i++) {
        const double middle = (low + high) / 2;
        choose_at(choices, std::exp(middle));
        (fits() == cheap_end ? high : low) = middle;
    }
    choose_at(choices, std::exp(cheap_end ? high : low));
    return fits();
}

} // namespace

std::vector<quant_encoding> candidate_encodings(uint64_t cols) {
    if (cols % 256 == 0)
        return {QUANT_Q2_K, QUANT_Q3_K, QUANT_IQ4_XS, QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K, QUANT_Q8_0};
    if (cols % 32 == 0) return {QUANT_Q4_0, QUANT_IQ4_NL, QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1, QUANT_Q8_0};
    return {QUANT_F16};
}

uint64_t chosen_bytes(std::span<const Choice> choices) {
    uint64_t sum = 0;
    for (const Choice &c : choices) sum += c.candidates[c.chosen].bytes;
    return sum;
}

double chosen_kld(std::span<const Choice> choices) {
    double sum = 0;
    for (const Choice &c : choices) sum += c.candidates[c.chosen].kld;
    return sum;
}

void choose_within(std::vector<Choice> &choices, uint64_t fixed_bytes, const Budget &budget) {
    if (budget.kld > 0) {
        const auto predicted = [&] { return budget.activation_kld + chosen_kld(choices); };
        if (bisect(choices, false, [&] { return predicted() <= budget.kld; })) return;
        choose_at(choices, 0);
        if (predicted() > budget.kld)
            fail(QUANT_ERR_ARGUMENT, "a mean KL divergence of {:.6g} is less than the {:.6f} predicted for the largest "
                                     "encodings, of which {:.6f} come from rounding activations to 8 bits",
                 budget.kld, predicted(), budget.activation_kld);
        return;
    }
    const uint64_t most = budget.file_bytes;
    choose_smallest(choices);
    const uint64_t least = fixed_bytes + chosen_bytes(choices);
    if (least > most)
        fail(QUANT_ERR_ARGUMENT, "{} bytes are too few: the smallest possible file has {}", most, least);
    if (!bisect(choices, true, [&] { return fixed_bytes + chosen_bytes(choices) <= most; })) choose_smallest(choices);
    spend(choices, most - fixed_bytes - chosen_bytes(choices));
}

} // namespace quant
