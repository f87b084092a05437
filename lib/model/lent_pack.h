// Packs that processes share: one made here that others may map, or one of somebody else's.
#pragma once

#include "model/panel_memory.h"

#include <memory>
#include <span>
#include <string>

namespace quant {

/// A pack that others may map. Its descriptor is open for reading, or of memory that nobody can change any more.
struct LentPack {
    std::shared_ptr<const PackFile> pack;
    std::string origin; ///< plan_pack()'s, which borrowers need.
    bool sealed = false;
};

/// Somebody else's, as it was lent. All that is believed of it is which weights it has.
struct BorrowedPack {
    std::shared_ptr<const HugeMap> map;
    std::string name, origin;
    bool verify = false; ///< Its checksums are compared before it is used.
};

/// Gives matrices panels of a pack that can be lent, in `lent`: a file of the cache where `place` says so and it fits
/// there, else sealed memory. False where there is none, and nothing has changed: no matrix has panels, the workers are of
/// nodes, each of which holds its own, or memory is short. A log line tells why.
bool lend_panels(std::span<const PanelMatrix> matrices, const std::string &model, WorkerPool &pool,
                 const PackPlace *place, LentPack &lent);

/// Gives matrices the panels of a borrowed pack. False, with a log line, where it is not what this process would make.
bool borrow_panels(std::span<const PanelMatrix> matrices, const std::string &model, WorkerPool &pool,
                   const BorrowedPack &pack);

} // namespace quant
