// Our own threads: one for each physical core we may use, pinned, spinning briefly
// between jobs and then parked, so that a busy machine slows us in proportion only.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace quant {

class WorkerPool {
public:
    /// `workers` counts the calling thread, which works too; 0 means one for each
    /// physical core that the affinity mask and the cgroup's CPU quota allow
    /// (QUANT_THREADS in the environment overrides).
    explicit WorkerPool(unsigned workers = 0);
    ~WorkerPool();
    WorkerPool(const WorkerPool &) = delete;
    WorkerPool &operator=(const WorkerPool &) = delete;

    unsigned size() const noexcept;

    /// Run `body(worker)` once on every worker, 0 being the caller; returns when all
    /// are done. An exception of any worker is rethrown here (the first). One job at
    /// a time: concurrent callers queue up.
    void run(const std::function<void(unsigned worker)> &body);

    /// Split [0, count) into chunks of at least `grain` that workers take as they
    /// get free, and run `body(begin, end, worker)` for each.
    void parallel_for(size_t count, size_t grain,
                      const std::function<void(size_t begin, size_t end, unsigned worker)> &body);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The process's pool, made at first use.
WorkerPool &default_pool();

} // namespace quant
