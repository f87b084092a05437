// How to choose tokens, as callers say it: the defaults, and what is out of range.
#pragma once

#include <quant/session.h>

#include <cstddef>

namespace quant {

quant_sampling default_sampling();

/// Throws Error (QUANT_ERR_ARGUMENT) naming a value that is out of range and what was expected, or a biased token
/// outside the vocabulary.
void check_sampling(const quant_sampling &sampling, size_t vocabulary);

} // namespace quant
