// Our own threads: one for each physical core we may use, pinned, spinning briefly
// between jobs and then parked, so that a busy machine slows us in proportion only.
#pragma once

#include "machine/worker_layout.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace quant {

class WorkerPool {
public:
    /// `workers` counts the calling thread, which works too; 0 means one for each
    /// physical core that the affinity mask and the cgroup's CPU quota allow
    /// (QUANT_THREADS in the environment overrides).
    explicit WorkerPool(unsigned workers = 0);
    /// Workers as laid out, also for a machine that is not this one: they then run anywhere.
    explicit WorkerPool(WorkerLayout layout);
    ~WorkerPool();
    WorkerPool(const WorkerPool &) = delete;
    WorkerPool &operator=(const WorkerPool &) = delete;

    unsigned size() const noexcept;
    const WorkerLayout &layout() const noexcept;

    /// Run `body(worker)` once on every worker, 0 being the caller; returns when all
    /// are done. An exception of any worker is rethrown here (the first). One job at
    /// a time: concurrent callers queue up.
    void run(const std::function<void(unsigned worker)> &body);

    using Body = std::function<void(size_t begin, size_t end, unsigned worker)>;

    /// Split [0, count) into chunks of at least `grain` that workers take as they
    /// get free, and run `body(begin, end, worker)` for each. Each begins with a part of its own,
    /// then takes from the others', those near to its memory first.
    void parallel_for(size_t count, size_t grain, const Body &body);

    /// The same, where the layout's group g begins with [starts[g], starts[g + 1]): `starts` as
    /// WorkerLayout::shares() gives them, or sums of these. No chunk lies in two shares, and where
    /// shares end, chunks may be shorter than the grain.
    void parallel_for_shares(std::span<const size_t> starts, size_t grain, const Body &body);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The process's pool, made at first use.
WorkerPool &default_pool();

/// How the default pool is laid out, in the words of parse_numa(); where nobody says, QUANT_NUMA does,
/// or else it is "auto". Workers serve the whole process: throws Error (QUANT_ERR_ARGUMENT) where that
/// was settled otherwise before, by a call or by the pool's first use. Threads: any.
void settle_numa(std::string_view words);

} // namespace quant
