#include "engine/mirostat.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

/// Probabilities are taken to fall as rank^-s (Zipf): the s that fits neighbours' ratios best.
double zipf_exponent(std::span<const Candidate> likeliest, double temperature) {
    double products = 0, squares = 0;
    for (size_t i = 0; i + 1 < likeliest.size(); i++) {
        const double rank = static_cast<double>(i);
        const double of_ranks = std::log((rank + 2) / (rank + 1));
        const double of_tokens = (double{likeliest[i].logit} - likeliest[i + 1].logit) / temperature;
        products += of_ranks * of_tokens, squares += of_ranks * of_ranks;
    }
    return products / squares;
}

} // namespace

// The paper's k = ((s - 1) 2^mu / (1 - N^(1 - s)))^(1 / s).
size_t Mirostat::kept(std::span<const Candidate> likeliest, double temperature, size_t vocabulary) const {
    if (likeliest.size() < 2) return 1;
    const double s = zipf_exponent(likeliest, temperature), above = s - 1, n = static_cast<double>(vocabulary);
    // The sum of rank^-s, whose limit where s is 1 is the logarithm.
    const double sum = std::fabs(above) < 1e-6 ? std::log(n) : (1 - std::pow(n, -above)) / above;
    const double k = std::pow(std::exp2(most_) / sum, 1 / s);
    return k >= n || std::isnan(k) ? vocabulary : static_cast<size_t>(std::max(k, 1.0));
}

void Mirostat::drawn(double probability) { most_ -= eta_ * (-std::log2(probability) - tau_); }

} // namespace quant
