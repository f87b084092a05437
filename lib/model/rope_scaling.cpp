#include "model/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace quant {

std::vector<double> rope_frequencies(const RopeParameters &rope, const std::vector<float> &divisors) {
    std::vector<double> out;
    for (uint32_t i = 0; i < rope.dims / 2; i++)
        out.push_back(std::pow(rope.base, -2.0 * i / rope.dims) / (divisors.empty() ? 1.0 : divisors[i]));
    return out;
}

std::vector<float> llama3_rope_divisors(double base, uint32_t dims, double factor, double low_frequency_factor,
                                        double high_frequency_factor, double original_context) {
    std::vector<float> divisors(dims / 2);
    const double low_wavelength = original_context / low_frequency_factor;
    const double high_wavelength = original_context / high_frequency_factor;
    for (uint32_t i = 0; i < dims / 2; i++) {
        const double wavelength = 2 * std::numbers::pi * std::pow(base, 2.0 * i / dims);
        double divisor = 1;
        if (wavelength > low_wavelength) {
            divisor = factor;
        } else if (wavelength > high_wavelength) {
            const double smooth =
                (original_context / wavelength - low_frequency_factor) / (high_frequency_factor - low_frequency_factor);
            divisor = 1 / ((1 - smooth) / factor + smooth);
        }
        divisors[i] = static_cast<float>(divisor);
    }
    return divisors;
}

bool same_divisors(const std::vector<float> &a, const std::vector<float> &b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) { return std::abs(x - y) <= 1e-4f * std::abs(x); });
}

std::vector<float> yarn_rope_divisors(double base, uint32_t dims, const YarnScaling &scaling) {
    // The pair, as a fraction, that turns so often in the original context.
    const auto pair_of_turns = [&](double turns) {
        return dims * std::log(scaling.original_context / (turns * 2 * std::numbers::pi)) / (2 * std::log(base));
    };
    double low = pair_of_turns(scaling.beta_fast), high = pair_of_turns(scaling.beta_slow);
    if (scaling.whole_pairs) low = std::floor(low), high = std::ceil(high);
    low = std::max(low, 0.0), high = std::min(high, dims - 1.0);
    if (low == high) high += 0.001;
    std::vector<float> divisors(dims / 2);
    for (uint32_t i = 0; i < dims / 2; i++) {
        const double slowed = std::clamp((i - low) / (high - low), 0.0, 1.0);
        divisors[i] = static_cast<float>(1 / (slowed / scaling.factor + 1 - slowed));
    }
    return divisors;
}

double yarn_magnitude(double factor) { return factor <= 1 ? 1 : 0.1 * std::log(factor) + 1; }

double longrope_magnitude(double context, double original_context) {
    if (context <= original_context) return 1;
    return std::sqrt(1 + std::log(context / original_context) / std::log(original_context));
}

} // namespace quant
