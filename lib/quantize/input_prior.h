// What goes into a matrix, guessed from the weights before it, for quantizing without data.
//
// After normalization every column is taken to have a mean square of 1, times the
// norm's gain squared. A projection's output then has the squared norm of its row (with
// those gains) as its mean square; what a gated unit gives follows from the two rows
// that make it. That finds the few units with huge outputs that trained models have,
// whose columns of ffn_down must not be rounded like others.
//
// Only what stands out is kept: in a model without outliers nothing is guessed. For
// ffn_gate and ffn_up the gains say too little about their inputs, and they get no prior.
// docs/quality.md has what it gains.
#pragma once

#include "machine/worker_pool.h"
#include "model/model_file.h"

#include <vector>

namespace quant {

/// Mean squares of the columns of a layer's matrix, up to a factor; empty where nothing is
/// known or nothing stands out. `matrix` counts a tensor's experts. Reads the matrices before it.
std::vector<float> input_prior(const ModelFile &file, const ModelTensor &tensor, uint64_t matrix, WorkerPool &pool);

} // namespace quant
