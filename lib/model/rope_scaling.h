// How rotary embedding is slowed for contexts longer than it was trained with.
#pragma once

#include "model/hyperparameters.h"

namespace quant {

/// Radians a position for each pair of a head, dims / 2 of them; of `divisors` there are as many, or none.
std::vector<double> rope_frequencies(const RopeParameters &rope, const std::vector<float> &divisors);

/// The divisors of the "llama3" scaling (Llama 3.1): long wavelengths are slowed by
/// `factor`, short ones kept, those between blended.
std::vector<float> llama3_rope_divisors(double base, uint32_t dims, double factor, double low_frequency_factor,
                                        double high_frequency_factor, double original_context);

/// But for what they lose where they are kept as floats or decimals.
bool same_divisors(const std::vector<float> &a, const std::vector<float> &b);

struct YarnScaling {
    double factor = 1, original_context = 0;
    double beta_fast = 32,
           beta_slow = 1;    ///< Pairs that turn more often than that in the original context are kept, ...
    bool whole_pairs = true; ///< The pairs between which is blended are rounded outwards.
};
/// The divisors of YaRN (Peng et al. 2023, section 3.2).
std::vector<float> yarn_rope_divisors(double base, uint32_t dims, const YarnScaling &scaling);
/// What YaRN multiplies by, unless a file says otherwise.
double yarn_magnitude(double factor);

/// What LongRoPE multiplies by, unless a file says otherwise.
double longrope_magnitude(double context, double original_context);

} // namespace quant
