// The physical cores that this process may run on, the memory that is near to them, and
// how many cores its cgroup's CPU quota pays for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace quant {

struct Core {
    unsigned cpu;      ///< The operating system's number of its first hardware thread that we may use.
    unsigned node;     ///< The system's number of the NUMA node near to it, 0 where the machine has none.
    unsigned kind = 0; ///< Of heterogeneous cores; higher is faster.
};

/// A NUMA node that a core of ours is near to.
struct MemoryNode {
    unsigned number; ///< The system's.
    uint64_t bytes;  ///< 0 where the system does not tell.
};

struct Topology {
    std::vector<Core> cores; ///< Allowed physical cores, never empty.
    std::optional<unsigned> quota; ///< CPUs' worth of time per period, rounded up.
    std::vector<MemoryNode> nodes; ///< By number, each once; never empty.

    /// The cores worth a worker: kinds are taken from the fastest on until they are half of all
    /// cores, and the rest is left alone. A product ends with its slowest part, and few slow cores
    /// add less than they hold up; where most cores are of a slow kind they are too many to give
    /// up, and parallel loops even out by stealing.
    std::vector<Core> worth_using() const;

    /// Threads worth starting: one for each of these, no more than the quota.
    unsigned usable() const;
};

/// Of this process, read at the first call. Threads: any.
const Topology &machine_topology();

/// Cores of a machine described in hwloc's synthetic language ("node:2 core:4 pu:2"),
/// restricted to `allowed_cpus` unless that is empty. `kinds` are the CPUs of each kind of core,
/// slowest first. For tests and planning.
Topology synthetic_topology(const std::string &description, const std::vector<unsigned> &allowed_cpus = {},
                            const std::vector<std::vector<unsigned>> &kinds = {});

/// Asks for the pages that come to lie there to be taken from that node; where it has none left,
/// others serve. Whether the system agreed: if not, that costs speed only. Threads: any.
bool bind_memory(std::span<const std::byte> pages, unsigned node);

/// The nodes that hold what was written of these pages, by number; empty where the system does not tell.
std::vector<unsigned> nodes_of_memory(std::span<const std::byte> pages);

/// The smallest CPU limit on the way from our cgroup up to the root, v2 or v1, in
/// whole CPUs (rounded up). `proc_cgroup` is the text of /proc/self/cgroup and
/// `root` where cgroups are mounted. Nothing where there is no limit.
std::optional<unsigned> cgroup_cpu_limit(const std::string &proc_cgroup, const std::filesystem::path &root);

} // namespace quant
