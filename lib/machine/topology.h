// The physical cores that this process may run on, and how many of them its
// cgroup's CPU quota pays for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace quant {

struct Core {
    unsigned cpu;  ///< The operating system's number of its first hardware thread that we may use.
    unsigned node; ///< NUMA node, 0 where the machine has none.
};

struct Topology {
    std::vector<Core> cores; ///< Allowed physical cores, never empty.
    std::optional<unsigned> quota; ///< CPUs' worth of time per period, rounded up.

    /// Threads worth starting: one a core, no more than the quota.
    unsigned usable() const;
};

/// Of this process, read at the first call. Threads: any.
const Topology &machine_topology();

/// Cores of a machine described in hwloc's synthetic language ("node:2 core:4 pu:2"),
/// restricted to `allowed_cpus` unless that is empty. For tests and planning.
Topology synthetic_topology(const std::string &description, const std::vector<unsigned> &allowed_cpus = {});

/// The smallest CPU limit on the way from our cgroup up to the root, v2 or v1, in
/// whole CPUs (rounded up). `proc_cgroup` is the text of /proc/self/cgroup and
/// `root` where cgroups are mounted. Nothing where there is no limit.
std::optional<unsigned> cgroup_cpu_limit(const std::string &proc_cgroup, const std::filesystem::path &root);

} // namespace quant
