// Which encoding each matrix gets so that a file keeps within a budget at the least
// predicted divergence (section 2.7 of the survey).
#pragma once

#include "model/model_file.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quant {

/// One of the first three is set; the others are 0.
struct Budget {
    uint64_t file_bytes = 0;
    double bits_per_weight = 0;
    double kld = 0;
    double activation_kld = 0; ///< What rounding activations costs, whatever is chosen.
};

/// What a matrix costs and loses in one encoding.
struct Candidate {
    quant_encoding encoding;
    uint64_t bytes; ///< Padded, as in the file.
    double kld;     ///< Predicted share of the divergence.
};

/// A matrix and its candidates.
struct Choice {
    std::string tensor;
    std::vector<Candidate> candidates; ///< Not empty.
    size_t chosen = 0;
};

/// Encodings worth considering for rows of `cols` weights, smallest first.
std::vector<quant_encoding> candidate_encodings(uint64_t cols);

/// Choose for each. `fixed_bytes` is the rest of the file. For a budget of bytes the sum
/// never exceeds it; for a budget of divergence the prediction does not. Throws Error
/// (QUANT_ERR_ARGUMENT): no choice fits; the message has the smallest possible.
void choose_within(std::vector<Choice> &choices, uint64_t fixed_bytes, const Budget &budget);

uint64_t chosen_bytes(std::span<const Choice> choices);
double chosen_kld(std::span<const Choice> choices);

} // namespace quant
