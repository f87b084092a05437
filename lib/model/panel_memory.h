// Memory for the panels of a model's matrices.
#pragma once

#include "model/pack_cache.h"
#include "machine/worker_pool.h"

#include <span>
#include <string>

namespace quant {

/// Where packs of these matrices are kept, and what tells the weights from others: origin_of() their files.
struct PackPlace {
    PackCache cache;
    std::string origin;
};

/// Gives matrices that the CPU has a use for panels of theirs, placed as the pool's workers are: one
/// piece of memory for each group, on its node; or, if they are in a pack and the workers of no node, in the mapped
/// file. `place` is null where packs are not wanted. Whether that was so: where memory is short, nothing
/// changes, and a warning names the model.
bool add_panels(std::span<const PanelMatrix> matrices, const std::string &model, WorkerPool &pool,
                const PackPlace *place = nullptr);

} // namespace quant
