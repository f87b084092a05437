// Which workers there are, where they run, and which part of a row of things falls to the
// workers of each memory node: the one place where parallel loops and the placement of
// weights get this from, so that they agree.
#pragma once

#include "machine/numa_policy.h"
#include "machine/topology.h"

#include <cstddef>
#include <vector>

namespace quant {

inline constexpr unsigned most_workers = 1024;

/// Workers that are near to the same memory, and next to one another.
struct WorkerGroup {
    unsigned first, count;      ///< Of the workers.
    unsigned node;              ///< The system's number.
    std::vector<unsigned> cpus; ///< Of all its cores, those of its workers first and in their order.
};

struct WorkerLayout {
    unsigned workers = 1;
    bool pinned = false; ///< Each worker has a core to itself.
    NumaChoice numa;     ///< Where it is off, there is one group, and its node means nothing.
    std::vector<WorkerGroup> groups; ///< At least one, none without workers.

    /// Whether groups have memory of their own.
    bool bound() const { return numa.policy != NumaPolicy::off; }
    /// Where a group's share of [0, count) begins, in proportion to workers; count for the group after the last.
    size_t share_start(size_t count, size_t group) const;
    /// Of all groups, and at the end count.
    std::vector<size_t> shares(size_t count) const;
    unsigned group_of(unsigned worker) const;
};

/// `workers` of them (0: Topology::usable()), at most most_workers. Workers are spread over the nodes in proportion to these's
/// cores; where there are fewer workers than nodes, the last nodes have none.
WorkerLayout lay_out_workers(const Topology &topology, const NumaChoice &numa, unsigned workers);

} // namespace quant
