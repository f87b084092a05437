// CPU quotas. Version 2 says "QUOTA PERIOD" in cpu.max of every group; version 1 has
// two files in the cpu controller's own tree. What cannot be read counts as no limit.
#include "machine/system_files.h"
#include "machine/topology.h"

#include <algorithm>
#include <sstream>

namespace quant {

namespace {

std::optional<unsigned> whole_cpus(std::optional<long long> quota, std::optional<long long> period) {
    if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
    const long long cpus = (*quota - 1) / *period + 1;
    return static_cast<unsigned>(std::min<long long>(cpus, 1 << 20));
}

std::optional<unsigned> limit_of(const CgroupFolder &group) {
    if (!group.v2)
        return whole_cpus(whole_number(first_line(group.path / "cpu.cfs_quota_us")),
                          whole_number(first_line(group.path / "cpu.cfs_period_us")));
    std::istringstream words(first_line(group.path / "cpu.max"));
    std::string quota, period;
    words >> quota >> period;
    return whole_cpus(whole_number(quota), whole_number(period));
}

} // namespace

std::optional<unsigned> cgroup_cpu_limit(const std::string &proc_cgroup, const std::filesystem::path &root) {
    return least_limit(cgroup_folders(proc_cgroup, root, "cpu"), limit_of);
}

} // namespace quant
