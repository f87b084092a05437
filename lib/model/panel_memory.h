// Memory for the panels of a model's matrices.
#pragma once

#include "kernel/pack.h"
#include "machine/worker_pool.h"

#include <span>
#include <string>

namespace quant {

/// Gives matrices that the CPU has a use for panels of theirs, placed as the pool's workers are: one
/// piece of memory for each group, on its node. Whether that was so: where memory is short, nothing
/// changes, and a warning names the model.
bool add_panels(std::span<PackedMatrix *const> matrices, const std::string &model, WorkerPool &pool);

} // namespace quant
